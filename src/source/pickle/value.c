#include "value.h"

#include <stdlib.h>
#include <string.h>

void values_free(Values *values)
{
    free(values->stack.items);
    free(values->memo);
    buf_free(&values->kept);
    buf_free(&values->recent);
    *values = (Values){0};
}

void values_clear(Values *values)
{
    if (values->memo_size > 0)
        memset(values->memo, 0, values->memo_size * sizeof *values->memo);
    values->stack.count = values->memo_size = 0;
    values->memo_count = values->recent_end = 0;
    buf_clear(&values->kept);
}

bool values_push(Values *values, Value value, Err *err)
{
    if (values->stack.count >= VALUE_STACK_MAX)
        return err_set(err, ERR_SKIP, "its pickle has more than %zu objects at once", VALUE_STACK_MAX);
    Value *top = vec_push(&values->stack, err);
    if (top != NULL)
        *top = value;
    return top != NULL;
}

bool values_memoize(Values *values, uint64_t index, Err *err)
{
    if (values->stack.count == 0)
        return err_set(err, ERR_SKIP, "its pickle is damaged: nothing to remember");
    if (index >= VALUE_MEMO_MAX)
        return err_set(err, ERR_SKIP, "its pickle refers to more than %zu objects", VALUE_MEMO_MAX);
    size_t more = index < values->memo_size ? 0 : (size_t)index + 1 - values->memo_size;
    if (!vec_grow(&values->memo, &values->memo_cap, values->memo_size, more, sizeof *values->memo, err))
        return false;
    if (more > 0)
        memset(values->memo + values->memo_size, 0, more * sizeof *values->memo);
    values->memo_size += more;
    Value *top = &values->stack.items[values->stack.count - 1], *slot = &values->memo[index];
    values->memo_count += slot->memo == 0;
    top->memo = (uint32_t)index + 1;
    *slot = *top;
    return true;
}

/* Into the ring: the text is in one piece, a rest at the end of the ring is left out. */
static bool put_recent(Values *values, const char *text, size_t len, uint64_t *at, Err *err)
{
    if (values->recent.data == NULL && !buf_reserve(&values->recent, VALUE_RECENT, err))
        return false;
    size_t place = (size_t)(values->recent_end % VALUE_RECENT);
    if (place + len > VALUE_RECENT) {
        values->recent_end += VALUE_RECENT - place;
        place = 0;
    }
    memcpy(values->recent.data + place, text, len);
    *at = values->recent_end;
    values->recent_end += len;
    return true;
}

bool values_string(Values *values, const char *text, size_t len, Value *out, Err *err)
{
    *out = (Value){.kind = VALUE_STRING, .len = (uint16_t)len};
    if (len <= sizeof out->bits) {
        memcpy(&out->bits, text, len);
        return true;
    }
    out->detail = values->kept.len + len <= VALUE_TEXT_MAX ? STRING_KEPT : STRING_RECENT;
    if (out->detail == STRING_RECENT)
        return put_recent(values, text, len, &out->bits, err);
    out->bits = values->kept.len;
    return buf_append(&values->kept, text, len, err);
}

const char *value_text(const Values *values, const Value *value, size_t *len)
{
    if (value->kind != VALUE_STRING)
        return NULL;
    *len = value->len;
    if (value->detail == STRING_INLINE)
        return (const char *)&value->bits;
    if (value->detail == STRING_KEPT)
        return values->kept.data + value->bits;
    return values->recent_end - value->bits <= VALUE_RECENT ? values->recent.data + value->bits % VALUE_RECENT : NULL;
}

bool value_is_text(const Values *values, const Value *value, const char *text)
{
    size_t len, wanted = strlen(text);
    if (value->kind != VALUE_STRING || value->len != wanted)
        return false;
    const char *is = value_text(values, value, &len);
    return is != NULL && memcmp(is, text, wanted) == 0;
}
