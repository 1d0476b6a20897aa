/* The checksum as zlib has it: for targets with an operating system, where zlib is installed. */

#include "crc32.h"
#include <zlib.h>

CAMLprim value c_stubs_crc32(value text)
{
  CAMLparam1(text);
  uLong sum = crc32(0, (const Bytef *)String_val(text), caml_string_length(text));
  CAMLreturn(caml_copy_int32(sum));
}
