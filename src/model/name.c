#include "name.h"

#include <stdbool.h>
#include <string.h>

#include "base/text.h"
#include "store/store.h"

const char *name_text_problem(const char *text, size_t len, size_t max_chars)
{
    if (len == 0)
        return "is empty";
    if (!text_utf8_valid(text, len))
        return "is not valid UTF-8";
    if (text_has_control(text, len))
        return "holds a control character";
    if (text_utf8_length(text, len) > max_chars)
        return max_chars == STORE_TYPE_MAX ? "is longer than 50 characters" : "is longer than 255 characters";
    return NULL;
}

const char *name_problem(const char *name, size_t len)
{
    const char *problem = name_text_problem(name, len, STORE_NAME_MAX);
    for (size_t start = 0; problem == NULL && start <= len;) {
        const char *slash = memchr(name + start, '/', len - start);
        size_t part = slash != NULL ? (size_t)(slash - name) - start : len - start;
        if (part == 0)
            problem = "has an empty component";
        else if (name[start] == '.' && (part == 1 || (part == 2 && name[start + 1] == '.')))
            problem = "has a component that is `.` or `..`";
        start += part + 1;
    }
    return problem;
}
