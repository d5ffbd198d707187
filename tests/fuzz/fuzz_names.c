/* From a hostile path to a key: a name that the store and a terminal can hold, or a reason. Input: kind, type of the directory,
 * length of the suffix, then the path. */
#include <string.h>

#include "base/text.h"
#include "fuzz_files.h"
#include "model/identify.h"
#include "../../src/model/name.h"

static bool is_plain(const char *text)
{
    return text_utf8_valid(text, strlen(text)) && !text_has_control(text, strlen(text));
}

static void check_text(const char *text, size_t max_chars)
{
    fuzz_assert(text[0] != '\0' && is_plain(text) && text_utf8_length(text, strlen(text)) <= max_chars);
}

static void check_components(const char *name)
{
    for (const char *at = name;; at++) {
        size_t part = strcspn(at, "/");
        fuzz_assert(part > 0 && !(part == 1 && at[0] == '.') && !(part == 2 && at[0] == '.' && at[1] == '.'));
        at += part;
        if (*at == '\0')
            return;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    Identity identity;
    if (size < 3)
        return 0;
    char *path = fuzz_string(data + 3, size - 3);
    Model model = {.path = path, .version = VERSION_AUTO, .kind = data[0] % 2, .dir_type = data[1], .suffix_len = data[2]};
    if (identify(&model, NULL, &identity, &err)) {
        check_text(identity.name, STORE_NAME_MAX);
        check_text(identity.event, STORE_NAME_MAX);
        check_text(identity.model_type, STORE_TYPE_MAX);
        check_components(identity.name);
        fuzz_assert(identity.version >= 0 || identity.version == VERSION_AUTO);
        fuzz_assert(strncmp(path, identity.name, strlen(identity.name)) == 0);
        /* A version costs its digits; nothing else but the suffix is taken away. */
        fuzz_assert(identity.version != VERSION_AUTO ||
                    strlen(identity.name) + (model.kind == MODEL_FILE ? model.suffix_len : 0) >= strlen(path));
    } else {
        fuzz_assert(err.cls == ERR_SKIP && err.text[0] != '\0' && is_plain(err.text));
    }
    free(path);
    return 0;
}
