#include "nearest.h"

#include <string.h>

#define LONGEST 31

static unsigned least(unsigned a, unsigned b, unsigned c)
{
    unsigned low = a < b ? a : b;
    return low < c ? low : c;
}

/* The optimal string alignment distance; rows of its table are letters of `a`. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[LONGEST + 1][LONGEST + 1];
    for (size_t j = 0; j <= b_len; j++)
        rows[0][j] = (unsigned)j;
    for (size_t i = 1; i <= a_len; i++) {
        rows[i][0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            rows[i][j] = least(rows[i - 1][j] + 1, rows[i][j - 1] + 1, rows[i - 1][j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && rows[i - 2][j - 2] + 1 < rows[i][j])
                rows[i][j] = rows[i - 2][j - 2] + 1;
        }
    }
    return rows[a_len][b_len];
}

Nearest nearest_to(const char *word, size_t len)
{
    return (Nearest){.word = word, .len = len, .limit = (len < 6 ? 1 : (unsigned)(len / 3)) + 1};
}

void nearest_try(Nearest *nearest, const char *known)
{
    size_t len = strlen(known);
    if (nearest->len > LONGEST || len > LONGEST || nearest->limit == 0)
        return;
    unsigned found = distance(nearest->word, nearest->len, known, len);
    if (found >= nearest->limit)
        return;
    nearest->limit = found;
    nearest->found = known;
}
