#include <string.h>

#include "machine.h"

/* The attributes of joblib's NumpyArrayWrapper that say what follows it, and how much. */
enum { SUBCLASS, SHAPE, ORDER, DTYPE, ALLOW_MMAP, ALIGNMENT, ATTRIBUTES };

#define NEEDED (1u << SUBCLASS | 1u << SHAPE | 1u << ORDER | 1u << DTYPE)

static int attribute_of(const Values *values, const Value *key)
{
    static const struct {
        const char *name;
        size_t len;
    } attributes[ATTRIBUTES] = {[SUBCLASS] = {"subclass", 8},      [SHAPE] = {"shape", 5},          [ORDER] = {"order", 5},
                                [DTYPE] = {"dtype", 5},            [ALLOW_MMAP] = {"allow_mmap", 10},
                                [ALIGNMENT] = {"numpy_array_alignment_bytes", 27}};
    for (int i = 0; key->kind == VALUE_STRING && i < ATTRIBUTES; i++)
        if (key->len == attributes[i].len && value_is_text(values, key, attributes[i].name))
            return i;
    return -1;
}

void placeholder_set(PickleMachine *machine, const Value *dict, const Value *key, const Value *value)
{
    Placeholder *placeholder = &machine->placeholder;
    int attribute = attribute_of(&machine->values, key);
    if (attribute < 0)
        return;
    if (placeholder->dict != dict->bits)
        *placeholder = (Placeholder){.dict = dict->bits};
    placeholder->seen |= 1u << attribute;
    placeholder->values[attribute] = *value;
}

static bool refuse(const char *why, Err *err)
{
    return err_set(err, ERR_SKIP, "an array of its pickle has %s", why);
}

/* How many bytes; false: that is not known. */
static bool count_bytes(const Value *shape, const Value *dtype, uint64_t *out)
{
    if (shape->kind != VALUE_TUPLE || shape->detail != TUPLE_INTS || dtype->kind != VALUE_DTYPE || dtype->bits == 0)
        return false;
    return !__builtin_mul_overflow(shape->bits, dtype->bits, out) && *out <= INT64_MAX;
}

bool placeholder_array(const PickleMachine *machine, const Value *dict, PickleArray *array, Err *err)
{
    const Placeholder *placeholder = &machine->placeholder;
    const Value *at = placeholder->values;
    if (dict->kind != VALUE_DICT || dict->bits != placeholder->dict || (placeholder->seen & NEEDED) != NEEDED)
        return refuse("no description", err);
    *array = (PickleArray){.subclass_memo = at[SUBCLASS].memo, .shape_memo = at[SHAPE].memo, .dtype_memo = at[DTYPE].memo};
    array->subclass = at[SUBCLASS].kind == VALUE_GLOBAL ? (KnownGlobal)at[SUBCLASS].detail : GLOBAL_OTHER;
    if (array->subclass < GLOBAL_NDARRAY || array->subclass > GLOBAL_MEMMAP)
        return refuse("a class of its own", err);
    array->no_shape = at[SHAPE].kind == VALUE_TUPLE && at[SHAPE].detail == TUPLE_INTS && at[SHAPE].len == 0;
    array->fortran = value_is_text(&machine->values, &at[ORDER], "F");
    if (!array->fortran && !value_is_text(&machine->values, &at[ORDER], "C"))
        return refuse("an unknown order", err);
    array->has_objects = at[DTYPE].kind == VALUE_DTYPE && at[DTYPE].detail == DTYPE_OBJECTS;
    bool unsure = at[DTYPE].kind != VALUE_DTYPE || at[DTYPE].detail == DTYPE_UNSURE;
    if (unsure || !count_bytes(&at[SHAPE], &at[DTYPE], &array->bytes))
        return refuse("an unknown size", err);
    bool aligned = (placeholder->seen & 1u << ALIGNMENT) != 0 && at[ALIGNMENT].kind != VALUE_NONE;
    if (aligned && at[ALIGNMENT].kind != VALUE_INT)
        return refuse("an unknown alignment", err);
    array->has_padding = aligned && !array->has_objects;
    return true;
}

/* A code such as f8, U5 or V64: a letter and how many of it. */
Value placeholder_dtype(const Value *arguments)
{
    Value dtype = {.kind = VALUE_OTHER};
    if (arguments->kind != VALUE_TUPLE || arguments->detail != TUPLE_STRING)
        return dtype;
    char code[sizeof arguments->bits + 1] = {0};
    memcpy(code, &arguments->bits, sizeof arguments->bits);
    uint64_t count = 0;
    if (code[0] == '\0' || strchr("biufcOSUVMm", code[0]) == NULL || code[1] == '\0')
        return dtype;
    for (const char *digit = code + 1; *digit != '\0'; digit++) {
        if (*digit < '0' || *digit > '9')
            return dtype;
        count = count * 10 + (uint64_t)(*digit - '0');
    }
    dtype.kind = VALUE_DTYPE;
    dtype.detail = code[0] == 'O' ? DTYPE_OBJECTS : code[0] == 'V' ? DTYPE_UNSURE : DTYPE_PLAIN;
    dtype.bits = code[0] == 'U' ? 4 * count : count;
    return dtype;
}

/* The last of its eight items says of a structure whether it holds objects. */
void placeholder_dtype_state(Value *dtype, const Value *state)
{
    if (dtype->detail == DTYPE_UNSURE && state->kind == VALUE_TUPLE && state->detail == TUPLE_FLAGS)
        dtype->detail = state->bits & 1 ? DTYPE_OBJECTS : DTYPE_PLAIN;
}
