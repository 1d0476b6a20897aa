/* Where Solo5 enters a unikernel, and what the main loop asks of it; elsewhere the stubs compile and refuse to run. */

#define CAML_NAME_SPACE
#include <caml/mlvalues.h>
#include <caml/alloc.h>
#include <caml/callback.h>
#include <caml/fail.h>

#if defined(__ocaml_solo5__) || defined(__ocaml_freestanding__)

#include <stdint.h>
#include <stdlib.h>

#include <solo5.h>

#define WORDS(bytes) Val_long((bytes) / sizeof(value))

/* Of the freestanding libc, which declares neither. */
extern void _nolibc_init(uintptr_t heap_start, size_t heap_size);
extern int malloc_trim(size_t keep);
/* Since ocaml-solo5 0.8.2. */
extern size_t malloc_memory_usage(void) __attribute__((weak));

static const char *command_line = "";
static size_t heap_size;
static uintptr_t stack_top;

int solo5_app_main(const struct solo5_start_info *info)
{
    static char *argv[] = { "mirage", NULL };

    stack_top = (uintptr_t)__builtin_frame_address(0);
    heap_size = info->heap_size;
    command_line = info->cmdline;
    _nolibc_init(info->heap_start, info->heap_size);
    caml_startup(argv);
    return 0;
}

CAMLprim value mirage_solo5_get_cmdline(value unit)
{
    (void)unit;
    return caml_copy_string(command_line);
}

CAMLprim value caml_get_monotonic_time(value unit)
{
    (void)unit;
    return caml_copy_int64((int64_t)solo5_clock_monotonic());
}

CAMLprim value mpy_solo5_yield(value deadline)
{
    solo5_handle_set_t ready = 0;

    solo5_yield((solo5_time_t)Int64_val(deadline), &ready);
    return caml_copy_int64((int64_t)ready);
}

CAMLprim value mpy_solo5_heap_words(value unit)
{
    (void)unit;
    return WORDS(heap_size);
}

/* The libc keeps the heap this far away from the stack. */
static size_t guard(void)
{
    return heap_size >= 0x100000 ? 0x100000 : heap_size / 2;
}

CAMLprim value mpy_solo5_stack_words(value unit)
{
    (void)unit;
    return WORDS(stack_top - (uintptr_t)__builtin_frame_address(0) + guard());
}

CAMLprim value mpy_solo5_live_words(value unit)
{
    (void)unit;
    return WORDS(mallinfo().uordblks);
}

CAMLprim value mpy_solo5_quick_live_words(value unit)
{
    return malloc_memory_usage ? WORDS(malloc_memory_usage()) : mpy_solo5_live_words(unit);
}

CAMLprim value mpy_solo5_trim(value unit)
{
    malloc_trim(0);
    return unit;
}

#else

#define REFUSED(name) \
    CAMLprim value name(value unit) \
    { \
        (void)unit; \
        caml_failwith("mirage-solo5: there is no Solo5 here; link mirage-unix"); \
    }

REFUSED(mirage_solo5_get_cmdline)
REFUSED(caml_get_monotonic_time)
REFUSED(mpy_solo5_yield)
REFUSED(mpy_solo5_heap_words)
REFUSED(mpy_solo5_stack_words)
REFUSED(mpy_solo5_live_words)
REFUSED(mpy_solo5_quick_live_words)
REFUSED(mpy_solo5_trim)

#endif
