/* What packing asks of a source. How sources change under it is in tests/fault/test_moving_sources.py. */
#include "source/pack.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "../unit.h"

#define TICK_NS 10000000

static Err err;

static bool pack(const char *folder, const char *name, ModelKind kind, int level)
{
    Packed packed;
    PackSettings settings = {.level = level, .memory_limit = (size_t)1 << 20, .temp_dir = "/tmp", .keep_payload = true};
    Model model = {.path = name, .name = name, .kind = (uint8_t)kind, .version = 1};
    Packer *packer = packer_new(&settings, &err);
    int root = open(folder, O_RDONLY | O_DIRECTORY);
    ck_assert(packer != NULL && root >= 0);
    bool ok = pack_model(packer, root, &model, &packed, &err);
    close(root);
    packer_free(packer);
    return ok;
}

/* Writes of one clock tick leave one time, so a source that was changed just now is read when its tick is over. */
START_TEST(tick_is_waited_out)
{
    char command[600], path[300];
    snprintf(path, sizeof path, "%s/m/f", unit_temp_dir());
    snprintf(command, sizeof command, "mkdir '%s/m'", unit_temp_dir());
    ck_assert_int_eq(system(command), 0);
    for (int i = 0; i < 4; i++) {
        int fd = open(path, O_WRONLY | O_CREAT, 0600);
        ck_assert_int_ge(fd, 0);
        ck_assert_int_eq(write(fd, "content", 7), 7);
        int64_t now = clock_real_ns();
        struct timespec times[2] = {{.tv_nsec = UTIME_OMIT},
                                    {.tv_sec = (time_t)(now / 1000000000), .tv_nsec = (long)(now % 1000000000)}};
        ck_assert_int_eq(futimens(fd, times), 0);
        close(fd);
        ck_ok(pack(unit_temp_dir(), i % 2 == 0 ? "m/f" : "m", i % 2 == 0 ? MODEL_FILE : MODEL_DIRECTORY, i / 2));
        ck_assert_int_ge(clock_real_ns() - now, TICK_NS);
    }
    unit_remove_temp();
}
END_TEST

/* The kernel says of these files that they have a page, and gives a few bytes. What is read is not what the stat says: never a
 * model. */
START_TEST(size_that_is_not_so)
{
    static const char folder[] = "/sys/devices/system/cpu";
    struct stat st;
    char path[100];
    snprintf(path, sizeof path, "%s/online", folder);
    if (stat(path, &st) != 0 || st.st_size == 0)
        return; /* no sysfs here */
    for (int level = 0; level < 2; level++)
        ck_fails(pack(folder, "online", MODEL_FILE, level), ERR_SKIP, "changed while it was read");
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/pack");
    TCase *tests = tcase_create("pack");
    tcase_add_test(tests, tick_is_waited_out);
    tcase_add_test(tests, size_that_is_not_so);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
