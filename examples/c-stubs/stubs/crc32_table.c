/* The checksum without a library: for targets that have none. */

#include "crc32.h"
#include <stdint.h>

/* The sum of every half byte alone. */
static const uint32_t table[16] = {
  0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
  0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
};

CAMLprim value c_stubs_crc32(value text)
{
  CAMLparam1(text);
  const unsigned char *byte = (const unsigned char *)String_val(text);
  const unsigned char *end = byte + caml_string_length(text);
  uint32_t sum = 0xffffffff;

  for (; byte < end; byte++) {
    sum = (sum >> 4) ^ table[(sum ^ *byte) & 15];
    sum = (sum >> 4) ^ table[(sum ^ (*byte >> 4)) & 15];
  }
  CAMLreturn(caml_copy_int32(~sum));
}
