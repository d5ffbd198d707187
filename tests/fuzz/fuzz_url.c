/* -d: whatever a user mistypes around a password, no part of it shows in label, key or error. Input: the form, the character
 * inside the password, then the text before it, a NUL, and the text behind it. */
#include <string.h>

#include "fuzz_files.h"
#include "store/store.h"

#define SECRET "Zq7hunt"

/* What stands around the password. The text before it comes from the input and must not hold the characters of `not_before`, with
 * which a person would not see a password there either. */
typedef struct Form {
    const char *start, *before, *behind, *not_before;
} Form;

static const Form forms[] = {
    {"postgresql://", ":", "@", "/?#"},
    {"postgres+psycopg2://", ":", "@", "/?#"},
    {"", ":", "@", "/?#="},
    {"", " password=", " ", "'\\:"},
    {"", " password='", "' ", "'\\:"},
    {"", " sslpassword = '", "' ", "'\\:"},
    {"postgresql://", "?password=", "&", "?#"},
    {"postgresql:", ":", "@", "?#="},
    {"mysql://", ":", "@", "/?#"},
    {"postgresql://", ":1/", "@", "/?#"},
};

static void clean_environment(void)
{
    static bool done;
    static const char *const names[] = {"PGHOST",     "PGHOSTADDR", "PGPORT",    "PGUSER",    "PGDATABASE",
                                        "PGPASSWORD", "PGSERVICE",  "PGOPTIONS", "PGPASSFILE"};
    for (size_t i = 0; !done && i < sizeof names / sizeof *names; i++)
        unsetenv(names[i]);
    setenv("PGSERVICEFILE", "/dev/null", 1);
    setenv("PGSYSCONFDIR", "/dev/null", 1);
    setenv("HOME", "/dev/null", 1);
    done = true;
}

static bool is_silent(const char *text)
{
    return strstr(text, SECRET) == NULL;
}

static const StoreTuning tuning = {.connect_timeout = 1, .timeout = 1, .lock_timeout = 1};

static void check_target(const char *url)
{
    static const char key_chars[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789@._-";
    StoreTarget *target = NULL;
    Err err = {0};
    if (store_target_new(url, &tuning, &target, &err)) {
        const char *key = store_target_key(target);
        fuzz_assert(is_silent(key) && is_silent(store_target_label(target)));
        fuzz_assert(key[0] != '\0' && strspn(key, key_chars) == strlen(key) && strlen(key) < 200);
        store_target_free(target);
    } else {
        fuzz_assert(err.cls == ERR_USAGE && err.text[0] != '\0' && is_silent(err.text) && is_silent(err.hint));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char inside[] = "a/@:?#%& =+;,.!'\"$*()[]{}\\|^~`<>";
    Err err = {0};
    Buf url = {0};
    if (size < 2)
        return 0;
    clean_environment();
    const Form *form = &forms[data[0] % (sizeof forms / sizeof *forms)];
    char in = inside[data[1] % (sizeof inside - 1)];
    char *before = fuzz_string(data + 2, size - 2);
    const char *behind = strlen(before) < size - 2 ? before + strlen(before) + 1 : "";
    if (before[strcspn(before, form->not_before)] == '\0' && is_silent(before) && is_silent(behind)) {
        fuzz_assert(buf_format(&url, &err, "%s%s%s" SECRET "%c" SECRET "%s%s", form->start, before, form->before, in, form->behind,
                               behind));
        check_target(url.data);
        /* A later option may replace the password by an empty one. */
        fuzz_assert(form->start[0] == 'm' || strchr(behind, '=') != NULL || store_target_has_password(url.data));
    }
    buf_free(&url);
    free(before);
    return 0;
}
