#include "retell.h"

#include <string.h>

#include "../option_table.h"
#include "base/program.h"
#include "store/store.h"

/* Within single quotes only the quote itself is anything but a character. */
static bool quote(const char *word, Buf *out, Err *err)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=:,./@%";
    if (word[0] != '\0' && word[strspn(word, plain)] == '\0')
        return buf_text(out, word, err);
    bool ok = buf_text(out, "'", err);
    for (const char *rest = word; ok && *rest != '\0';) {
        size_t len = strcspn(rest, "'");
        ok = buf_append(out, rest, len, err) && (rest[len] == '\0' || buf_text(out, "'\\''", err));
        rest += len + (rest[len] != '\0');
    }
    return ok && buf_text(out, "'", err);
}

bool retell_word(const char *word, Buf *out, Err *err)
{
    return buf_text(out, " ", err) && quote(word, out, err);
}

static bool is_left_out(const char *name, const char *const *without)
{
    for (; *without != NULL; without++)
        if (strcmp(name, *without) == 0)
            return true;
    return false;
}

static bool retell_option(const GivenOption *given, Buf *out, Err *err)
{
    return buf_text(out, " --", err) && buf_text(out, given->spec->name, err) &&
           (given->value == NULL || retell_word(given->value, out, err));
}

bool retell(const Options *options, const char *words, const char *const *without, Buf *out, Err *err)
{
    const char *hidden = NULL;
    bool ok = buf_text(out, PROGRAM_NAME " ", err) && buf_text(out, words, err);
    for (size_t i = 0; ok && i < options->given.count; i++) {
        const GivenOption *given = &options->given.items[i];
        if (is_left_out(given->spec->name, without))
            continue;
        if (given->spec->secret && store_target_has_password(given->value))
            hidden = given->spec->name;
        else
            ok = retell_option(given, out, err);
    }
    for (size_t i = 0; ok && i < options->arguments.count; i++)
        ok = retell_word(options->arguments.items[i], out, err);
    return ok && (hidden == NULL || buf_format(out, err, " # and the same --%s", hidden));
}
