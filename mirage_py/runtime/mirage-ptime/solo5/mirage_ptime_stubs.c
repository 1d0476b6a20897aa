/* Wall clock of Solo5; elsewhere the stub compiles and refuses to run. */

#include <caml/mlvalues.h>
#include <caml/alloc.h>
#include <caml/fail.h>

#if defined(__ocaml_solo5__) || defined(__ocaml_freestanding__)
#include <solo5.h>

CAMLprim value caml_get_wall_clock(value unit)
{
    (void)unit;
    return caml_copy_int64((int64_t)solo5_clock_wall());
}
#else
CAMLprim value caml_get_wall_clock(value unit)
{
    (void)unit;
    caml_failwith("mirage-ptime.solo5: there is no Solo5 here; link mirage-ptime.unix");
}
#endif
