/* How many bits of a number are set: for native code with the number as it is, for bytecode with it boxed. */

#include <caml/mlvalues.h>

CAMLprim intnat count_bits(intnat n)
{
  return __builtin_popcountl((unsigned long)n);
}

CAMLprim value count_bits_byte(value n)
{
  return Val_long(count_bits(Long_val(n)));
}
