#define _GNU_SOURCE /* memmem */
#include "pickle_end.h"

#include <stddef.h>
#include <string.h>
#include <sys/types.h>

#include "base/fs.h"

#define WINDOW_BYTES 65536
#define WORD_BYTES 64 /* of an argument, what is looked at */

typedef struct Walk {
    int fd;
    uint64_t size, at;    /* the next byte */
    uint64_t window_at;   /* where the window begins in the file */
    size_t window_len;
    bool has_arrays; /* of joblib */
    unsigned char window[WINDOW_BYTES];
} Walk;

static bool next_byte(Walk *walk, unsigned char *out)
{
    if (walk->at >= walk->size)
        return false;
    if (walk->at < walk->window_at || walk->at - walk->window_at >= walk->window_len) {
        ssize_t got = fs_read_at(walk->fd, walk->window, sizeof walk->window, walk->at);
        if (got <= 0)
            return false;
        walk->window_at = walk->at;
        walk->window_len = (size_t)got;
    }
    *out = walk->window[walk->at++ - walk->window_at];
    return true;
}

static bool skip(Walk *walk, uint64_t count)
{
    if (count > walk->size - walk->at)
        return false;
    walk->at += count;
    return true;
}

/* joblib writes the bytes of an array right behind the object that stands for it. */
static bool is_of_joblib(Walk *walk, const unsigned char *word, size_t len)
{
    static const char module[] = "joblib.numpy_pickle";
    walk->has_arrays = memmem(word, len, module, sizeof module - 1) != NULL;
    return walk->has_arrays;
}

static bool walk_line(Walk *walk)
{
    unsigned char word[WORD_BYTES], byte;
    for (size_t len = 0; next_byte(walk, &byte);) {
        if (byte == '\n')
            return !is_of_joblib(walk, word, len);
        if (len < sizeof word)
            word[len++] = byte;
    }
    return false;
}

/* A number of `width` bytes, and so many bytes behind it. */
static bool walk_counted(Walk *walk, unsigned width)
{
    unsigned char word[WORD_BYTES], byte;
    uint64_t count = 0;
    size_t len = 0;
    for (unsigned i = 0; i < width; i++) {
        if (!next_byte(walk, &byte))
            return false;
        count |= (uint64_t)byte << 8 * i;
    }
    for (; len < sizeof word && len < count; len++)
        if (!next_byte(walk, &word[len]))
            return false;
    return !is_of_joblib(walk, word, len) && skip(walk, count - len);
}

static bool is_in(const char *opcodes, size_t count, unsigned char opcode)
{
    return memchr(opcodes, opcode, count) != NULL;
}

#define IN(opcodes) is_in((opcodes), sizeof(opcodes) - 1, opcode)

/* The argument of an opcode, by its kind (pickletools of Python, protocols 0 to 5). */
static bool walk_argument(Walk *walk, unsigned char opcode)
{
    if (IN("(012NQRabd}elost)u]\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98"))
        return true;
    if (IN("FILPSVgp"))
        return walk_line(walk);
    if (IN("ci"))
        return walk_line(walk) && walk_line(walk);
    if (IN("Khq\x80\x82"))
        return skip(walk, 1);
    if (IN("M\x83"))
        return skip(walk, 2);
    if (IN("Jjr\x84"))
        return skip(walk, 4);
    if (IN("G\x95"))
        return skip(walk, 8);
    if (IN("UC\x8c\x8a"))
        return walk_counted(walk, 1);
    if (IN("TXB\x8b"))
        return walk_counted(walk, 4);
    return IN("\x8d\x8e\x96") && walk_counted(walk, 8);
}

/* Zeros behind the end are what a copy by blocks leaves; they may also be of an array that was cut off. So what is before them must
 * be STOP, behind an opcode that ends a value. */
static bool ends_before_zeros(int fd, uint64_t size)
{
    unsigned char piece[4096];
    for (uint64_t at = size; at >= 2;) {
        size_t len = at < sizeof piece ? (size_t)at : sizeof piece, used = len;
        if (fs_read_at(fd, piece, len, at - len) != (ssize_t)len)
            return false;
        while (used > 0 && piece[used - 1] == '\0')
            used--;
        at -= len - used;
        if (used >= 2)
            return piece[used - 1] == '.' && is_in("bsuaeRt]})\x81\x85\x86\x87\x94", 15, piece[used - 2]);
    }
    return false;
}

bool pickle_has_end(int fd, uint64_t size)
{
    Walk walk = {.fd = fd, .size = size};
    unsigned char opcode;
    while (next_byte(&walk, &opcode)) {
        if (opcode == '.')
            return true;
        if (!walk_argument(&walk, opcode))
            break;
    }
    return walk.has_arrays && ends_before_zeros(fd, size);
}
