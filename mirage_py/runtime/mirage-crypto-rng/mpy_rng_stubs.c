/* Random bytes: the kernel's generator on Unix, the processor's on Solo5, none of our own. */

#include <stdint.h>
#include <string.h>

#include <caml/mlvalues.h>
#include <caml/alloc.h>
#include <caml/fail.h>

#if defined(__ocaml_solo5__) || defined(__ocaml_freestanding__)
#define THE_PROCESSOR
#elif defined(__linux__)
#include <errno.h>
#include <sys/random.h>
#elif defined(__APPLE__)
#include <errno.h>
#include <sys/random.h>
#elif defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#include <errno.h>
#include <unistd.h>
#endif

#ifdef THE_PROCESSOR

/* One instruction that may come back empty-handed: 1 and a word, or 0. */
typedef int (*source_t)(uint64_t *word);

#if defined(__x86_64__)
#define ABSENT "this processor, or what emulates it, has neither RDRAND nor RDSEED"

static void cpuid(uint32_t leaf, uint32_t *eax, uint32_t *ebx, uint32_t *ecx)
{
    uint32_t edx;
    __asm__ volatile("cpuid" : "=a"(*eax), "=b"(*ebx), "=c"(*ecx), "=d"(edx) : "0"(leaf), "2"(0));
}

static int rdrand(uint64_t *word)
{
    unsigned char ok;
    __asm__ volatile("rdrand %0; setc %1" : "=r"(*word), "=qm"(ok) : : "cc");
    return ok;
}

static int rdseed(uint64_t *word)
{
    unsigned char ok;
    __asm__ volatile("rdseed %0; setc %1" : "=r"(*word), "=qm"(ok) : : "cc");
    return ok;
}

static source_t find(const char **name)
{
    uint32_t last, a, b, c;
    cpuid(0, &last, &b, &c);
    cpuid(1, &a, &b, &c);
    if (c & (1u << 30)) {
        *name = "rdrand";
        return rdrand;
    }
    if (last >= 7) {
        cpuid(7, &a, &b, &c);
        if (b & (1u << 18)) {
            *name = "rdseed";
            return rdseed;
        }
    }
    return NULL;
}

#elif defined(__aarch64__)
#define ABSENT "this processor, or what emulates it, has no RNDR"

static int rndr(uint64_t *word)
{
    uint64_t ok;
    /* RNDR by its number: assemblers older than ARMv8.5 do not know the name. It sets Z where it fails. */
    __asm__ volatile("mrs %0, s3_3_c2_c4_0; cset %1, ne" : "=r"(*word), "=r"(ok) : : "cc");
    return (int)ok;
}

static source_t find(const char **name)
{
    uint64_t features;
    __asm__("mrs %0, id_aa64isar0_el1" : "=r"(features));
    *name = "rndr";
    return (features >> 60) ? rndr : NULL;
}

#else
#define ABSENT "no random instruction is known for this kind of processor"

static source_t find(const char **name)
{
    (void)name;
    return NULL;
}
#endif

static source_t source;
static uint64_t previous;

/* Makers of processors ask for up to ten tries. A word that repeats is a try that failed: generators have been seen to
   hang on one value, and a good one repeats a word once in 2^64. */
static int next(uint64_t *word)
{
    for (int i = 0; i < 10; i++)
        if (source(word) && *word != previous) {
            previous = *word;
            return 1;
        }
    return 0;
}

static const char *start(const char **name)
{
    uint64_t word;
    source_t found = find(name);
    if (found == NULL)
        return "no random numbers: " ABSENT
               " (QEMU has it with -cpu max); mirage-crypto-rng's own sources, vendored, do without it";
    source = found;
    for (int i = 0; i < 8; i++)
        if (!next(&word)) {
            source = NULL;
            return "no random numbers: the processor's generator does not answer, or always with the same number";
        }
    return NULL;
}

/* NULL, or why there are no random numbers. */
static const char *check(const char **name)
{
    static const char *known;
    *name = known;
    if (source != NULL)
        return NULL;
    const char *why = start(name);
    if (why == NULL)
        known = *name;
    return why;
}

static const char *fill(unsigned char *to, size_t n)
{
    const char *name, *why = check(&name);
    while (why == NULL && n > 0) {
        uint64_t word;
        size_t k = n < sizeof word ? n : sizeof word;
        if (!next(&word))
            return "no random numbers: the processor's generator has stopped answering";
        memcpy(to, &word, k);
        to += k;
        n -= k;
    }
    return why;
}

#else

/* One request to the kernel, of at most 256 bytes, which it answers whole. */
#if defined(__linux__)
#define NAME "getrandom"
static long ask(void *to, size_t n)
{
    return getrandom(to, n, 0);
}
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__OpenBSD__) || defined(__NetBSD__)
#define NAME "getentropy"
static long ask(void *to, size_t n)
{
    return getentropy(to, n) == 0 ? (long)n : -1;
}
#else
#define NAME "none"
static int errno;
#define EINTR 1
static long ask(void *to, size_t n)
{
    (void)to;
    (void)n;
    return -1;
}
#endif

static const char *fill(unsigned char *to, size_t n)
{
    while (n > 0) {
        long got = ask(to, n < 256 ? n : 256);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return "no random numbers: the kernel has neither getrandom nor getentropy, or refuses them";
        to += got;
        n -= (size_t)got;
    }
    return NULL;
}

static const char *check(const char **name)
{
    unsigned char byte;
    *name = NAME;
    return fill(&byte, 1);
}
#endif

CAMLprim value mpy_rng_system(value unit)
{
    (void)unit;
    const char *name, *why = check(&name);
    if (why != NULL)
        caml_failwith(why);
    return caml_copy_string(name);
}

CAMLprim value mpy_rng_fill(value buf, value off, value n)
{
    const char *why = fill(Bytes_val(buf) + Long_val(off), (size_t)Long_val(n));
    if (why != NULL)
        caml_failwith(why);
    return Val_unit;
}
