/* The clean-up plan: what is believed says the same when it is written and read again. */
#include <string.h>

#include "fuzz_files.h"
#include "port/csvfile.h"
#include "flow/cleanup_plan.h"

static void check_line(const CleanupLine *line)
{
    fuzz_assert(line->path[0] != '\0' && line->row.name != NULL && line->row.run_id != NULL);
    fuzz_assert(line->row.version >= 0 || line->row.version == VERSION_AUTO);
    fuzz_assert(!line->delete_it || (line->has_row && line->row.name[0] != '\0' && line->row.version >= 0));
}

static void check_same(const CleanupLine *a, const CleanupLine *b)
{
    fuzz_assert(a->delete_it == b->delete_it && a->is_directory == b->is_directory && a->has_row == b->has_row);
    fuzz_assert(strcmp(a->path, b->path) == 0 && strcmp(a->row.name, b->row.name) == 0 && strcmp(a->row.run_id, b->row.run_id) == 0);
    fuzz_assert(a->row.version == b->row.version && a->row.raw_bytes == b->row.raw_bytes && stamp_is(&a->stamp, &b->stamp, 0));
    fuzz_assert(!a->has_row || (digest_equal(&a->row.content, &b->row.content) && digest_equal(&a->row.stored, &b->row.stored)));
}

/* The numbers of a row are the ones in the file, whatever their size. */
static bool see_row(void *ctx, uint64_t row, char *const *fields, const size_t *lengths, size_t count, Err *err)
{
    const CleanupPlan *plan = ctx;
    char text[24];
    (void)lengths;
    (void)err;
    if (row == 1)
        return true;
    fuzz_assert(count == 16 && row - 2 < plan->count);
    const char *digits = fields[13] + (fields[13][0] == '-');
    digits += strspn(digits, "0");
    snprintf(text, sizeof text, "%lld", (long long)plan->lines[row - 2].stamp.mtime_ns);
    fuzz_assert(strcmp(text + (text[0] == '-'), *digits != '\0' ? digits : "0") == 0);
    return true;
}

static void check_numbers(const char *path, CleanupPlan *plan)
{
    Err err = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    fuzz_assert(fd >= 0 && csvfile_read(fd, path, SIZE_MAX / 4, see_row, plan, NULL, &err) && close(fd) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    Err err = {0};
    CleanupPlan plan, again;
    char *path = fs_join(fuzz_dir(), "plan.csv"), *copy = fs_join(fuzz_dir(), "copy.csv");
    fuzz_assert(path != NULL && copy != NULL);
    fuzz_write(path, data, size);
    if (cleanup_plan_read(path, &plan, &err)) {
        for (size_t i = 0; i < plan.count; i++) {
            check_line(&plan.lines[i]);
            fuzz_assert(strmap_get(&plan.by_path, plan.lines[i].path) == i);
        }
        check_numbers(path, &plan);
        fuzz_assert(cleanup_plan_write(&plan, copy, &err) && cleanup_plan_read(copy, &again, &err) && again.count == plan.count);
        for (size_t i = 0; i < plan.count; i++)
            check_same(&plan.lines[i], &again.lines[i]);
        cleanup_plan_free(&again);
        cleanup_plan_free(&plan);
    } else {
        fuzz_assert((err.cls == ERR_USAGE || err.cls == ERR_STOP) && strstr(err.text, path) != NULL);
    }
    free(path);
    free(copy);
    return 0;
}
