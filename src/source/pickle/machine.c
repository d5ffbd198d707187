#include "machine.h"

#include <string.h>

void machine_free(PickleMachine *machine)
{
    values_free(&machine->values);
}

void machine_clear(PickleMachine *machine)
{
    values_clear(&machine->values);
    machine->placeholder = (Placeholder){0};
    machine->dicts = 0;
}

static MachineState damaged(const char *what, Err *err)
{
    err_set(err, ERR_SKIP, "its pickle is damaged: %s", what);
    return MACHINE_FAILED;
}

static MachineState on(bool ok)
{
    return ok ? MACHINE_ON : MACHINE_FAILED;
}

/* The topmost `count` values, which stay where they are while nothing is pushed; NULL: there are not so many. */
static Value *take(PickleMachine *machine, size_t count)
{
    if (machine->values.stack.count < count)
        return NULL;
    machine->values.stack.count -= count;
    return machine->values.stack.items + machine->values.stack.count;
}

/* All above the last mark, and the mark. */
static Value *take_to_mark(PickleMachine *machine, size_t *count)
{
    Value *items = machine->values.stack.items;
    size_t at = machine->values.stack.count;
    while (at > 0 && items[at - 1].kind != VALUE_MARK)
        at--;
    if (at == 0)
        return NULL;
    *count = machine->values.stack.count - at;
    machine->values.stack.count = at - 1;
    return items + at;
}

static MachineState push(PickleMachine *machine, ValueKind kind, uint64_t bits, Err *err)
{
    return on(values_push(&machine->values, (Value){.kind = (uint8_t)kind, .bits = bits}, err));
}

static MachineState push_string(PickleMachine *machine, const Token *token, Err *err)
{
    Value value = {.kind = VALUE_OTHER};
    if (token->text_len[0] <= TOKEN_TEXT_MAX &&
        !values_string(&machine->values, token->text[0], (size_t)token->text_len[0], &value, err))
        return MACHINE_FAILED;
    return on(values_push(&machine->values, value, err));
}

static MachineState push_line_string(PickleMachine *machine, const Token *token, Err *err)
{
    Token copy = *token;
    Value value;
    return on(text_of_string(&copy, &value, &machine->values, err) && values_push(&machine->values, value, err));
}

/* --- numbers ----------------------------------------------------------------------------------------------------------------- */

static MachineState push_decimal(PickleMachine *machine, const Token *token, Err *err)
{
    int64_t number;
    size_t len = (size_t)token->text_len[0];
    if (token->opcode == 'I' && len == 2 && token->text[0][0] == '0')
        return push(machine, VALUE_BOOL, token->text[0][1] == '1', err);
    bool known = token->text_len[0] <= TOKEN_TEXT_MAX && text_integer(token->text[0], len, &number);
    return push(machine, known ? VALUE_INT : VALUE_OTHER, known ? (uint64_t)number : 0, err);
}

/* Two's complement, little-endian, of any length. */
static MachineState push_long(PickleMachine *machine, const Token *token, Err *err)
{
    uint64_t bits = 0, len = token->text_len[0];
    if (len > sizeof bits)
        return push(machine, VALUE_OTHER, 0, err);
    for (size_t i = 0; i < len; i++)
        bits |= (uint64_t)(unsigned char)token->text[0][i] << 8 * i;
    if (len > 0 && len < sizeof bits && (unsigned char)token->text[0][len - 1] >= 0x80)
        bits |= UINT64_MAX << 8 * len;
    return push(machine, VALUE_INT, bits, err);
}

/* --- tuples ------------------------------------------------------------------------------------------------------------------ */

static bool is_count(const Value *value)
{
    return value->kind == VALUE_INT && (int64_t)value->bits >= 0;
}

static bool multiply_all(const Value *items, size_t count, uint64_t *product)
{
    *product = 1;
    for (size_t i = 0; i < count; i++)
        if (!is_count(&items[i]) || __builtin_mul_overflow(*product, items[i].bits, product))
            return false;
    return count <= UINT16_MAX;
}

static Value tuple_of(const Value *items, size_t count)
{
    Value tuple = {.kind = VALUE_TUPLE, .detail = TUPLE_INTS, .len = (uint16_t)count, .bits = 1};
    if (count == 0 || multiply_all(items, count, &tuple.bits))
        return tuple;
    tuple.detail = TUPLE_OTHER;
    tuple.bits = 0;
    if (count == 8 && items[0].kind == VALUE_INT && is_count(&items[7])) {
        tuple.detail = TUPLE_FLAGS;
        tuple.bits = items[7].bits;
    } else if (items[0].kind == VALUE_STRING && items[0].detail == STRING_INLINE) {
        tuple.detail = TUPLE_STRING;
        tuple.len = items[0].len;
        tuple.bits = items[0].bits;
    } else if (items[0].kind == VALUE_GLOBAL) {
        tuple.detail = TUPLE_GLOBAL;
        tuple.len = items[0].detail;
        tuple.bits = items[0].bits;
    }
    return tuple;
}

static MachineState make_tuple(PickleMachine *machine, const Value *items, size_t count, Err *err)
{
    return items == NULL ? damaged("a tuple without items", err) : on(values_push(&machine->values, tuple_of(items, count), err));
}

/* --- dicts and objects ------------------------------------------------------------------------------------------------------- */

static void note_attribute(const PickleMachine *machine, const Value *key, const Value *value)
{
    size_t key_len, text_len;
    const char *name, *text;
    if (machine->notes != NULL && machine->notes->attribute != NULL && key->kind == VALUE_STRING && value->kind == VALUE_STRING &&
        (name = value_text(&machine->values, key, &key_len)) != NULL &&
        (text = value_text(&machine->values, value, &text_len)) != NULL)
        machine->notes->attribute(machine->notes->ctx, name, key_len, text, text_len);
}

static MachineState set_items(PickleMachine *machine, const Value *items, size_t count, Err *err)
{
    const Values *values = &machine->values;
    if (items == NULL || values->stack.count == 0 || count % 2 != 0)
        return damaged("a dict without its items", err);
    const Value *dict = &values->stack.items[values->stack.count - 1];
    for (size_t i = 0; i < count && dict->kind == VALUE_DICT; i += 2) {
        placeholder_set(machine, dict, &items[i], &items[i + 1]);
        note_attribute(machine, &items[i], &items[i + 1]);
    }
    return MACHINE_ON;
}

static MachineState make_dict(PickleMachine *machine, Err *err)
{
    size_t count;
    const Value *items = take_to_mark(machine, &count);
    if (items == NULL)
        return damaged("a dict without a mark", err);
    Value dict = {.kind = VALUE_DICT, .bits = ++machine->dicts};
    for (size_t i = 0; i + 1 < count; i += 2) {
        placeholder_set(machine, &dict, &items[i], &items[i + 1]);
        note_attribute(machine, &items[i], &items[i + 1]);
    }
    return on(values_push(&machine->values, dict, err));
}

/* What calling `function` gives. */
static Value result_of(const Value *function, const Value *arguments)
{
    Value made = {.kind = VALUE_OBJECT, .detail = function->detail, .bits = function->bits};
    if (function->kind != VALUE_GLOBAL)
        return (Value){.kind = VALUE_OTHER};
    if (function->detail == GLOBAL_DTYPE)
        return placeholder_dtype(arguments);
    if (function->detail == GLOBAL_RECONSTRUCTOR && arguments->kind == VALUE_TUPLE && arguments->detail == TUPLE_GLOBAL) {
        made.detail = (uint8_t)arguments->len;
        made.bits = arguments->bits;
    }
    return made;
}

/* REDUCE, NEWOBJ, NEWOBJ_EX: a function or class with `count - 1` further values above it. */
static MachineState call(PickleMachine *machine, size_t count, Err *err)
{
    const Value *items = take(machine, count);
    return items == NULL ? damaged("a call without arguments", err)
                         : on(values_push(&machine->values, result_of(&items[0], &items[1]), err));
}

static bool is_placeholder(const Value *value)
{
    return value->kind == VALUE_OBJECT && (value->detail == GLOBAL_WRAPPER || value->detail == GLOBAL_OLD_WRAPPER);
}

/* The two topmost are a placeholder and its attributes: both go, the array takes their place. */
static MachineState found_array(PickleMachine *machine, Err *err)
{
    const Value *pair = take(machine, 2);
    if (pair[0].detail == GLOBAL_OLD_WRAPPER) {
        err_set(err, ERR_SKIP, "an array of its pickle is in the form of an old joblib");
        return MACHINE_FAILED;
    }
    if (!placeholder_array(machine, &pair[1], &machine->array, err) ||
        !values_push(&machine->values, (Value){.kind = VALUE_OTHER}, err))
        return MACHINE_FAILED;
    return MACHINE_ARRAY;
}

static bool placeholder_is_next(const PickleMachine *machine)
{
    size_t count = machine->values.stack.count;
    const Value *items = machine->values.stack.items;
    return count >= 2 && items[count - 1].kind == VALUE_DICT && is_placeholder(&items[count - 2]);
}

static MachineState build(PickleMachine *machine, Err *err)
{
    Values *values = &machine->values;
    if (!machine->is_plain && placeholder_is_next(machine))
        return found_array(machine, err);
    const Value *state = take(machine, 1);
    if (state == NULL || values->stack.count == 0)
        return damaged("a state without an object", err);
    Value *object = &values->stack.items[values->stack.count - 1];
    if (is_placeholder(object)) {
        err_set(err, ERR_SKIP, "an array of its pickle has no description");
        return MACHINE_FAILED;
    }
    if (object->kind == VALUE_DTYPE) {
        placeholder_dtype_state(object, state);
        if (object->memo != 0 && values->memo[object->memo - 1].kind == VALUE_DTYPE)
            values->memo[object->memo - 1] = *object;
    }
    return MACHINE_ON;
}

static MachineState pop(PickleMachine *machine, Err *err)
{
    if (machine->is_plain && placeholder_is_next(machine))
        return found_array(machine, err);
    return take(machine, 1) != NULL ? MACHINE_ON : damaged("nothing to drop", err);
}

/* --- globals ----------------------------------------------------------------------------------------------------------------- */

static bool is(const char *text, size_t len, const char *wanted)
{
    return strlen(wanted) == len && memcmp(text, wanted, len) == 0;
}

static KnownGlobal known_global(const char *module, size_t module_len, const char *name, size_t name_len)
{
    static const struct {
        const char *module, *name;
        KnownGlobal global;
    } known[] = {{"numpy", "ndarray", GLOBAL_NDARRAY},
                 {"numpy", "dtype", GLOBAL_DTYPE},
                 {"joblib.numpy_pickle", "NumpyArrayWrapper", GLOBAL_WRAPPER},
                 {"joblib.numpy_pickle", "NDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"joblib.numpy_pickle", "ZNDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"joblib.numpy_pickle_compat", "NDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"joblib.numpy_pickle_compat", "ZNDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"sklearn.externals.joblib.numpy_pickle", "NumpyArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"sklearn.externals.joblib.numpy_pickle", "NDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"sklearn.externals.joblib.numpy_pickle", "ZNDArrayWrapper", GLOBAL_OLD_WRAPPER},
                 {"numpy", "matrix", GLOBAL_MATRIX},
                 {"numpy.matrixlib.defmatrix", "matrix", GLOBAL_MATRIX},
                 {"numpy", "memmap", GLOBAL_MEMMAP},
                 {"numpy.core.memmap", "memmap", GLOBAL_MEMMAP},
                 {"copyreg", "_reconstructor", GLOBAL_RECONSTRUCTOR},
                 {"copy_reg", "_reconstructor", GLOBAL_RECONSTRUCTOR}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is(name, name_len, known[i].name) && is(module, module_len, known[i].module))
            return known[i].global;
    return GLOBAL_OTHER;
}

/* NULL module: something that is not told by its text. */
static Value import(PickleMachine *machine, const char *module, size_t module_len, const char *name, size_t name_len)
{
    Value value = {.kind = VALUE_GLOBAL};
    if (module != NULL)
        value.detail = (uint8_t)known_global(module, module_len, name, name_len);
    if (machine->notes != NULL && machine->notes->import != NULL)
        value.bits = machine->notes->import(machine->notes->ctx, module, module_len, name, name_len);
    return value;
}

static Value import_of_lines(PickleMachine *machine, const Token *token)
{
    bool kept = token->text_len[0] <= TOKEN_TEXT_MAX && token->text_len[1] <= TOKEN_TEXT_MAX;
    return import(machine, kept ? token->text[0] : NULL, (size_t)token->text_len[0], token->text[1], (size_t)token->text_len[1]);
}

static MachineState stack_global(PickleMachine *machine, Err *err)
{
    size_t module_len = 0, name_len = 0;
    const Value *items = take(machine, 2);
    if (items == NULL)
        return damaged("a global without a name", err);
    const char *module = value_text(&machine->values, &items[0], &module_len);
    const char *name = value_text(&machine->values, &items[1], &name_len);
    Value value = import(machine, name != NULL ? module : NULL, module_len, name, name_len);
    return on(values_push(&machine->values, value, err));
}

static MachineState extension(PickleMachine *machine, Err *err)
{
    return on(values_push(&machine->values, import(machine, NULL, 0, NULL, 0), err));
}

/* INST, OBJ: a class, and its arguments above a mark. */
static MachineState make_object(PickleMachine *machine, const Token *token, Err *err)
{
    size_t count;
    const Value *items = take_to_mark(machine, &count);
    if (items == NULL || (token->opcode == 'o' && count == 0))
        return damaged("an object without a class", err);
    Value class = token->opcode == 'o' ? items[0] : import_of_lines(machine, token), none = {.kind = VALUE_OTHER};
    return on(values_push(&machine->values, result_of(&class, &none), err));
}

/* --- the memo ---------------------------------------------------------------------------------------------------------------- */

static bool memo_index(const Token *token, uint64_t *out)
{
    int64_t number;
    *out = token->number;
    if (token->opcode != 'g' && token->opcode != 'p')
        return true;
    if (token->text_len[0] > TOKEN_TEXT_MAX || !text_integer(token->text[0], (size_t)token->text_len[0], &number) || number < 0)
        return false;
    *out = (uint64_t)number;
    return true;
}

static MachineState get(PickleMachine *machine, const Token *token, Err *err)
{
    uint64_t index;
    const Values *values = &machine->values;
    if (!memo_index(token, &index) || index >= values->memo_size || values->memo[index].memo == 0)
        return damaged("nothing of this number is remembered", err);
    return on(values_push(&machine->values, values->memo[index], err));
}

static MachineState put(PickleMachine *machine, const Token *token, Err *err)
{
    uint64_t index;
    if (!memo_index(token, &index))
        return damaged("a number to remember something by", err);
    return on(values_memoize(&machine->values, index, err));
}

/* --- all opcodes ------------------------------------------------------------------------------------------------------------- */

/* Items that go into a list or set below a mark, or are dropped with it. */
static MachineState drop_to_mark(PickleMachine *machine, Err *err)
{
    size_t count;
    return take_to_mark(machine, &count) != NULL ? MACHINE_ON : damaged("no mark", err);
}

static MachineState replace_top(PickleMachine *machine, size_t count, Err *err)
{
    return take(machine, count) != NULL ? push(machine, VALUE_OTHER, 0, err) : damaged("an item is missing", err);
}

static MachineState duplicate(PickleMachine *machine, Err *err)
{
    const Values *values = &machine->values;
    return values->stack.count > 0 ? on(values_push(&machine->values, values->stack.items[values->stack.count - 1], err))
                                   : damaged("nothing to double", err);
}

static MachineState collect(PickleMachine *machine, unsigned char opcode, Err *err)
{
    size_t count;
    const Value *items = take_to_mark(machine, &count);
    if (items == NULL)
        return damaged("no mark", err);
    if (opcode == 't')
        return make_tuple(machine, items, count, err);
    return opcode == 'u' ? set_items(machine, items, count, err) : push(machine, VALUE_OTHER, 0, err);
}

static MachineState step_values(PickleMachine *machine, const Token *token, Err *err)
{
    switch (token->opcode) {
    case '(': return push(machine, VALUE_MARK, 0, err);
    case 'N': return push(machine, VALUE_NONE, 0, err);
    case 0x88: return push(machine, VALUE_BOOL, 1, err);
    case 0x89: return push(machine, VALUE_BOOL, 0, err);
    case 'K':
    case 'M': return push(machine, VALUE_INT, token->number, err);
    case 'J': return push(machine, VALUE_INT, (uint64_t)(int64_t)(int32_t)(uint32_t)token->number, err);
    case 'I':
    case 'L': return push_decimal(machine, token, err);
    case 0x8a:
    case 0x8b: return push_long(machine, token, err);
    case 'T':
    case 'U':
    case 'X':
    case 0x8c:
    case 0x8d: return push_string(machine, token, err);
    case 'S':
    case 'V': return push_line_string(machine, token, err);
    case '}': return push(machine, VALUE_DICT, ++machine->dicts, err);
    default: return push(machine, VALUE_OTHER, 0, err); /* F G B C 0x8e 0x96 P ] 0x8f 0x97 */
    }
}

MachineState machine_step(PickleMachine *machine, const Token *token, Err *err)
{
    unsigned char opcode = token->opcode;
    switch (opcode) {
    case '.': return machine->values.stack.count > 0 ? MACHINE_END : damaged("it ends without an object", err);
    case 0x80:
    case 0x95:
    case 0x98: return MACHINE_ON;
    case '0': return pop(machine, err);
    case '1':
    case 'e':
    case 0x90: return drop_to_mark(machine, err);
    case 'a': return take(machine, 1) != NULL ? MACHINE_ON : damaged("an item is missing", err);
    case '2': return duplicate(machine, err);
    case 'g':
    case 'h':
    case 'j': return get(machine, token, err);
    case 'p':
    case 'q':
    case 'r': return put(machine, token, err);
    case 0x94: return on(values_memoize(&machine->values, machine->values.memo_count, err));
    case 'R':
    case 0x81: return call(machine, 2, err);
    case 0x92: return call(machine, 3, err);
    case 'b': return build(machine, err);
    case 'c': return on(values_push(&machine->values, import_of_lines(machine, token), err));
    case 0x93: return stack_global(machine, err);
    case 0x82:
    case 0x83:
    case 0x84: return extension(machine, err);
    case 'i':
    case 'o': return make_object(machine, token, err);
    case 's': return set_items(machine, take(machine, 2), 2, err);
    case 'd': return make_dict(machine, err);
    case 'u':
    case 't':
    case 'l':
    case 0x91: return collect(machine, opcode, err);
    case ')': return on(values_push(&machine->values, tuple_of(NULL, 0), err));
    case 0x85:
    case 0x86:
    case 0x87: return make_tuple(machine, take(machine, opcode - 0x84u), opcode - 0x84u, err);
    case 'Q': return replace_top(machine, 1, err);
    default: return step_values(machine, token, err);
    }
}
