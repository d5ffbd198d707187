/* machine.h: follows the opcodes of a pickle on an abstract stack. Nothing is made, imported or called.
 *
 * It tells where joblib put an array between the opcodes: it writes a placeholder object, and the bytes of the array behind the
 * BUILD that gives the placeholder its attributes. In the plain form (insert.h) a POP stands for that BUILD. One thread. */
#ifndef SOURCE_PICKLE_MACHINE_H
#define SOURCE_PICKLE_MACHINE_H

#include "token.h"
#include "value.h"

/* Its attributes say what the array is. */
typedef struct PickleArray {
    KnownGlobal subclass; /* GLOBAL_NDARRAY, _MATRIX or _MEMMAP */
    uint32_t subclass_memo, shape_memo, dtype_memo; /* 1 + where the memo has them; 0 = it does not */
    bool no_shape;     /* of no dimension */
    bool fortran;      /* the last dimension varies slowest */
    bool has_objects;  /* a pickle of its own follows, not bytes */
    bool has_padding;  /* a count and so many bytes come first */
    uint64_t bytes;
} PickleArray;

/* joblib's placeholder while it gets its attributes. */
typedef struct Placeholder {
    uint64_t dict; /* the number of the dict that has them */
    unsigned seen; /* a bit for each attribute */
    Value values[6];
} Placeholder;

/* Told of everything that the pickle would import; what it returns comes back as PickleMachine.root. NULL text: not known. */
typedef struct PickleNotes {
    uint32_t (*import)(void *ctx, const char *module, size_t module_len, const char *name, size_t name_len);
    /* A pair of a dict, where both are strings. */
    void (*attribute)(void *ctx, const char *key, size_t key_len, const char *text, size_t text_len);
    void *ctx;
} PickleNotes;

/* Zero-initialise; machine_free. */
typedef struct PickleMachine {
    const PickleNotes *notes; /* borrowed, may be NULL */
    bool is_plain;            /* POP of a placeholder is an array, not its BUILD */
    Values values;
    Placeholder placeholder;
    uint64_t dicts;
    PickleArray array;        /* after MACHINE_ARRAY */
} PickleMachine;

typedef enum MachineState { MACHINE_FAILED, MACHINE_ON, MACHINE_ARRAY, MACHINE_END } MachineState;

void machine_free(PickleMachine *machine);
void machine_clear(PickleMachine *machine); /* ready for another pickle */

/* One token. MACHINE_FAILED: ERR_SKIP, it cannot be followed any further; ERR_STOP, no memory. */
MachineState machine_step(PickleMachine *machine, const Token *token, Err *err);

/* --- placeholder.c */

/* A pair of a dict. */
void placeholder_set(PickleMachine *machine, const Value *dict, const Value *key, const Value *value);

/* Is it a placeholder with all that an array needs? *array then says which; else ERR_SKIP. */
bool placeholder_array(const PickleMachine *machine, const Value *dict, PickleArray *array, Err *err);

/* The dtype that numpy.dtype makes of its arguments; VALUE_OTHER when that is not known. */
Value placeholder_dtype(const Value *arguments);
void placeholder_dtype_state(Value *dtype, const Value *state);

/* --- text.c: the arguments of protocol 0. */

bool text_of_string(Token *token, Value *out, Values *values, Err *err);  /* S, in quotes, and V */
bool text_integer(const char *text, size_t len, int64_t *out); /* decimal, perhaps with an L behind it; false: does not fit */

#endif
