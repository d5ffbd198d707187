#include "insert.h"

#include <string.h>

typedef struct Writer {
    unsigned char *out;
    size_t len;
} Writer;

static void put(Writer *to, const char *bytes, size_t len)
{
    memcpy(to->out + to->len, bytes, len);
    to->len += len;
}

#define PUT(to, literal) put((to), (literal), sizeof(literal) - 1)

static void put_number(Writer *to, uint64_t number, unsigned width)
{
    for (unsigned i = 0; i < width; i++)
        to->out[to->len++] = (unsigned char)(number >> 8 * i);
}

/* LONG_BINGET */
static void put_memo(Writer *to, uint32_t memo)
{
    PUT(to, "j");
    put_number(to, memo - 1, 4);
}

static void put_array(Writer *to, const PickleArray *array)
{
    if (array->subclass == GLOBAL_MATRIX)
        put_memo(to, array->subclass_memo);
    else
        PUT(to, "cnumpy\nndarray\n");
    PUT(to, "K\0\x85\x85\x81(K\1"); /* __new__((0,)), and the beginning of its state: version 1 */
    if (array->no_shape)
        PUT(to, ")");
    else
        put_memo(to, array->shape_memo);
    put_memo(to, array->dtype_memo);
    if (array->fortran)
        PUT(to, "\x88");
    else
        PUT(to, "\x89");
}

bool insert_before(const PickleArray *array, unsigned padding, uint64_t bytes, unsigned char out[INSERT_MAX], size_t *len,
                   Err *err)
{
    Writer to = {.out = out};
    bool known = array->dtype_memo != 0 && (array->no_shape || array->shape_memo != 0) &&
                 (array->subclass != GLOBAL_MATRIX || array->subclass_memo != 0);
    if (!array->has_objects && !known)
        return err_set(err, ERR_SKIP, "an array of its pickle does not remember its shape and type");
    PUT(&to, "0");
    if (array->has_padding) {
        PUT(&to, "K");
        put_number(&to, padding, 1);
        PUT(&to, "0");
    }
    if (array->has_objects)
        PUT(&to, "cpickle\nloads\n");
    else
        put_array(&to, array);
    PUT(&to, "\x8e");
    put_number(&to, bytes, 8);
    *len = to.len;
    return true;
}

const char *insert_after(const PickleArray *array)
{
    return array->has_objects ? "\x85R" : "tb";
}
