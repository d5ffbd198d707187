/* value.h: what is known of an object that a pickle would make: enough to follow globals, and the placeholders of joblib's arrays.
 * Texts and memo are bounded. Private to this folder. One thread. */
#ifndef SOURCE_PICKLE_VALUE_H
#define SOURCE_PICKLE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/vec.h"

typedef enum ValueKind {
    VALUE_OTHER, /* anything that need not be followed */
    VALUE_MARK,
    VALUE_NONE,
    VALUE_BOOL,   /* bits: 0 or 1 */
    VALUE_INT,    /* bits: as int64_t */
    VALUE_STRING, /* detail: StringPlace; len bytes */
    VALUE_TUPLE,  /* detail: TupleKind */
    VALUE_DICT,   /* bits: its number */
    VALUE_GLOBAL, /* detail: KnownGlobal; bits: what the caller named it by */
    VALUE_OBJECT, /* the same of the class, or of the function that made it */
    VALUE_DTYPE   /* numpy.dtype; detail: DtypeKind; bits: bytes of an item */
} ValueKind;

typedef enum StringPlace { STRING_INLINE, STRING_KEPT, STRING_RECENT } StringPlace; /* bits: the bytes, or where they are */

typedef enum TupleKind {
    TUPLE_OTHER,
    TUPLE_INTS,   /* of len numbers that are not negative; bits: their product */
    TUPLE_STRING, /* the first item is a string of len bytes that is STRING_INLINE */
    TUPLE_GLOBAL, /* the first item is a global: len its KnownGlobal, bits what the caller named it by */
    TUPLE_FLAGS   /* of eight items, the first and the last numbers; bits: the last */
} TupleKind;

typedef enum DtypeKind { DTYPE_PLAIN, DTYPE_OBJECTS, DTYPE_UNSURE } DtypeKind;

typedef enum KnownGlobal {
    GLOBAL_OTHER,
    GLOBAL_NDARRAY,
    GLOBAL_MATRIX,
    GLOBAL_MEMMAP,
    GLOBAL_DTYPE,
    GLOBAL_WRAPPER,     /* joblib's placeholder of an array whose bytes come next */
    GLOBAL_OLD_WRAPPER, /* of an array in another file, or compressed by itself */
    GLOBAL_RECONSTRUCTOR
} KnownGlobal;

typedef struct Value {
    uint8_t kind, detail;
    uint16_t len;
    uint32_t memo; /* 1 + its index in the memo; 0: it has none */
    uint64_t bits;
} Value;

#define VALUE_STACK_MAX ((size_t)1 << 20)
#define VALUE_MEMO_MAX ((size_t)1 << 21)
#define VALUE_TEXT_MAX ((size_t)4 << 20)
#define VALUE_RECENT ((size_t)1 << 16)

/* Zero-initialise; values_free. A text that is longer than 8 bytes is kept until VALUE_TEXT_MAX bytes are; then only the last
 * VALUE_RECENT bytes of text can still be asked for. */
typedef struct Values {
    VEC(Value) stack;
    Value *memo;
    size_t memo_size, memo_cap;
    uint64_t memo_count; /* of indices that are set: where MEMOIZE puts its value */
    Buf kept, recent;
    uint64_t recent_end; /* bytes that ever went into `recent` */
} Values;

void values_free(Values *values);
void values_clear(Values *values); /* as new; memory is kept */

/* ERR_SKIP: too many for this program to follow; ERR_STOP: no memory. */
bool values_push(Values *values, Value value, Err *err);
bool values_memoize(Values *values, uint64_t index, Err *err); /* the topmost value */
bool values_string(Values *values, const char *text, size_t len, Value *out, Err *err);

/* NULL: no string, or its bytes are no longer there. */
const char *value_text(const Values *values, const Value *value, size_t *len);
bool value_is_text(const Values *values, const Value *value, const char *text);

#endif
