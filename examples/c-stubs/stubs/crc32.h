/* The checksum that both implementations compute: CRC-32 of ISO 3309, as in gzip and PNG. */

#include <caml/alloc.h>
#include <caml/memory.h>
#include <caml/mlvalues.h>

/* Takes a string, gives an int32. */
CAMLprim value c_stubs_crc32(value text);
