#define _GNU_SOURCE
#include "base/cpu.h"

#include <sched.h>
#include <sys/stat.h>

#include "../unit.h"

static void make_dirs(const char *path)
{
    char copy[400];
    snprintf(copy, sizeof copy, "%s", path);
    for (char *slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        mkdir(copy, 0755);
        *slash = '/';
    }
}

static void write_file(const char *name, const char *text)
{
    make_dirs(unit_path(name));
    FILE *file = fopen(unit_path(name), "w");
    ck_assert_ptr_nonnull(file);
    fputs(text, file);
    fclose(file);
}

static unsigned quota(void)
{
    return cpu_quota(unit_path("cgroup"), unit_path("fs"));
}

START_TEST(version_2)
{
    write_file("cgroup", "0::/pods/mine\n");
    ck_assert_uint_eq(quota(), 0);
    write_file("fs/pods/mine/cpu.max", "max 100000\n");
    ck_assert_uint_eq(quota(), 0);
    write_file("fs/pods/mine/cpu.max", "50000 100000\n");
    ck_assert_uint_eq(quota(), 1);
    write_file("fs/pods/mine/cpu.max", "250000 100000\n");
    ck_assert_uint_eq(quota(), 3);
    write_file("fs/pods/cpu.max", "200000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    write_file("fs/pods/mine/cpu.max", "nonsense\n");
    ck_assert_uint_eq(quota(), 2);
}
END_TEST

START_TEST(version_2_inside_a_container)
{
    write_file("cgroup", "0::/\n");
    write_file("fs/cpu.max", "150000 100000\n");
    ck_assert_uint_eq(quota(), 2);
    write_file("cgroup", "0::/a/path/of/the/host\n");
    ck_assert_uint_eq(quota(), 2);
}
END_TEST

START_TEST(version_1)
{
    write_file("cgroup", "12:cpuset:/x\n4:cpu,cpuacct:/box\n1:name=systemd:/y\n");
    write_file("fs/cpu,cpuacct/box/cpu.cfs_period_us", "100000\n");
    write_file("fs/cpu,cpuacct/box/cpu.cfs_quota_us", "-1\n");
    ck_assert_uint_eq(quota(), 0);
    write_file("fs/cpu,cpuacct/box/cpu.cfs_quota_us", "400000\n");
    ck_assert_uint_eq(quota(), 4);
}
END_TEST

START_TEST(broken_files)
{
    static const char *const lines[] = {"", "\n", "0", "0:", "0::", "::/\n", "0:cpu:/x\n", "a:b:c:d\n"};
    ck_assert_uint_eq(cpu_quota(unit_path("nowhere"), unit_path("fs")), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        write_file("cgroup", lines[i]);
        ck_assert_uint_eq(quota(), 0);
    }
    write_file("cgroup", "0::/mine\n");
    write_file("fs/mine/cpu.max", "99999999999999999999 1\n");
    ck_assert_uint_gt(quota(), 1000);
    write_file("fs/mine/cpu.max", "100 0\n");
    ck_assert_uint_eq(quota(), 0);
}
END_TEST

START_TEST(affinity_counts)
{
    cpu_set_t before, one;
    ck_assert_int_eq(sched_getaffinity(0, sizeof before, &before), 0);
    unsigned all = cpu_count();
    ck_assert_uint_ge(all, 1);
    ck_assert_uint_le(all, (unsigned)CPU_COUNT(&before));
    CPU_ZERO(&one);
    for (size_t i = 0; i < CPU_SETSIZE && CPU_COUNT(&one) == 0; i++)
        if (CPU_ISSET(i, &before))
            CPU_SET(i, &one);
    ck_assert_int_eq(sched_setaffinity(0, sizeof one, &one), 0);
    ck_assert_uint_eq(cpu_count(), 1);
    ck_assert_int_eq(sched_setaffinity(0, sizeof before, &before), 0);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("cpu");
    TCase *tests = tcase_create("cpu");
    tcase_add_checked_fixture(tests, NULL, unit_remove_temp);
    tcase_add_test(tests, version_2);
    tcase_add_test(tests, version_2_inside_a_container);
    tcase_add_test(tests, version_1);
    tcase_add_test(tests, broken_files);
    tcase_add_test(tests, affinity_counts);
    suite_add_tcase(suite, tests);
    return unit_run(suite);
}
