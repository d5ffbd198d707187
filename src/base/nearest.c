#include "base/nearest.h"

#include <string.h>

#define LONGEST 255

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned low = a < b ? a : b;
    return low < c ? low : c;
}

/* The optimal string alignment distance; a row of its table is a letter of `a`, and three are enough. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned table[3][LONGEST + 1];
    for (size_t j = 0; j <= b_len; j++)
        table[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *row = table[i % 3], *before = table[(i + 2) % 3], *before_that = table[(i + 1) % 3];
        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            row[j] = least(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before_that[j - 2] + 1 < row[j])
                row[j] = before_that[j - 2] + 1;
        }
    }
    return table[a_len % 3][b_len];
}

Nearest nearest_to(const char *word, size_t len)
{
    return (Nearest){.word = word, .len = len, .limit = (len < 6 ? 1 : (unsigned)(len / 3)) + 1};
}

void nearest_try(Nearest *nearest, const char *known)
{
    size_t len = strlen(known), apart = len > nearest->len ? len - nearest->len : nearest->len - len;
    if (nearest->len > LONGEST || len > LONGEST || apart >= nearest->limit)
        return;
    unsigned found = distance(nearest->word, nearest->len, known, len);
    if (found >= nearest->limit)
        return;
    nearest->limit = found;
    nearest->found = known;
}
