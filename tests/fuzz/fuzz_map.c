/* --map: the file is the input up to its last NUL, the path to look for is what follows. The first row that matches wins, and what
 * it says can be stored. */
#include <string.h>

#include "base/glob.h"
#include "base/text.h"
#include "fuzz_files.h"
#include "port/csvfile.h"
#include "model/identify.h"
#include "../../src/model/name.h"

/* The same question answered row by row. */
typedef struct Search {
    const char *wanted;
    int path_at, name_at;
    bool found;
    char *name; /* NULL = not given */
} Search;

static bool see_row(void *ctx, uint64_t row, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    Search *search = ctx;
    (void)lengths;
    (void)err;
    for (size_t i = 0; row == 1 && i < count; i++) {
        const char *field = fields[i] != NULL ? fields[i] : "";
        search->path_at = strcmp(field, "path") == 0 ? (int)i : search->path_at;
        search->name_at = strcmp(field, "name") == 0 ? (int)i : search->name_at;
    }
    if (row == 1 || search->found || !glob_path(fields[search->path_at], search->wanted))
        return true;
    search->found = true;
    const char *name = search->name_at >= 0 ? fields[search->name_at] : NULL;
    if (name != NULL && name[0] != '\0')
        search->name = fuzz_string(name, strlen(name));
    return true;
}

static void check_row(const NameMapRow *row)
{
    fuzz_assert(row->version >= 0 || row->version == VERSION_AUTO);
    fuzz_assert(row->name == NULL || name_problem(row->name, strlen(row->name)) == NULL);
    fuzz_assert(row->event == NULL || name_text_problem(row->event, strlen(row->event), STORE_NAME_MAX) == NULL);
    fuzz_assert(row->model_type == NULL || name_text_problem(row->model_type, strlen(row->model_type), STORE_TYPE_MAX) == NULL);
}

static void check_find(const NameMap *map, const char *file, const char *wanted)
{
    Err err = {0};
    Identity identity;
    Search search = {.wanted = wanted, .path_at = -1, .name_at = -1};
    Model model = {.path = wanted, .version = VERSION_AUTO, .kind = MODEL_FILE};
    const NameMapRow *row = name_map_find(map, wanted);
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    fuzz_assert(fd >= 0 && csvfile_read(fd, file, SIZE_MAX / 4, see_row, &search, NULL, &err) && close(fd) == 0);
    fuzz_assert((row != NULL) == search.found);
    if (row != NULL) {
        check_row(row);
        fuzz_assert((row->name == NULL) == (search.name == NULL) && (row->name == NULL || strcmp(row->name, search.name) == 0));
    }
    if (identify(&model, map, &identity, &err) && row != NULL) {
        fuzz_assert(row->name == NULL || strcmp(identity.name, row->name) == 0);
        fuzz_assert(row->event == NULL || strcmp(identity.event, row->event) == 0);
        fuzz_assert(row->model_type == NULL || strcmp(identity.model_type, row->model_type) == 0);
        fuzz_assert(row->version == VERSION_AUTO || identity.version == row->version);
    }
    free(search.name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    NameMap *map = NULL;
    size_t len = size;
    while (len > 0 && data[len - 1] != '\0')
        len--;
    char *file = fs_join(fuzz_dir(), "map.csv"), *wanted = fuzz_string(data + len, size - len);
    fuzz_assert(file != NULL);
    fuzz_write(file, data, len > 0 ? len - 1 : 0);
    if (name_map_read(file, &map, &err)) {
        check_find(map, file, wanted);
        check_find(map, file, "news/earnings_classifier_binary.joblib");
    } else {
        fuzz_assert(err.cls == ERR_USAGE && strstr(err.text, file) != NULL);
    }
    name_map_free(map);
    free(wanted);
    free(file);
    return 0;
}
