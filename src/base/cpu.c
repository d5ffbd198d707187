#define _GNU_SOURCE /* sched_getaffinity */
#include "base/cpu.h"

#include <errno.h>
#include <limits.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CPUS (1u << 16)

/* The kernel wants room for all processors that it could have, and does not say how many. */
static unsigned affinity(void)
{
    for (unsigned room = 1024; room <= MOST_CPUS; room *= 2) {
        cpu_set_t *set = CPU_ALLOC(room);
        if (set == NULL)
            return 0;
        int failed = sched_getaffinity(0, CPU_ALLOC_SIZE(room), set);
        int count = failed == 0 ? CPU_COUNT_S(CPU_ALLOC_SIZE(room), set) : 0;
        CPU_FREE(set);
        if (failed == 0)
            return count > 0 ? (unsigned)count : 0;
        if (errno != EINVAL)
            return 0;
    }
    return 0;
}

static unsigned whole(long long quota, long long period)
{
    if (quota <= 0 || period <= 0)
        return 0;
    long long cpus = quota / period + (quota % period > 0);
    return cpus < MOST_CPUS ? (unsigned)cpus : MOST_CPUS;
}

/* The first line of a file, without its newline; false when there is none. */
static bool read_line(const char *folder, const char *name, char out[64])
{
    char path[PATH_MAX];
    if (snprintf(path, sizeof path, "%s/%s", folder, name) >= (int)sizeof path)
        return false;
    FILE *file = fopen(path, "re");
    if (file == NULL)
        return false;
    bool got = fgets(out, 64, file) != NULL;
    fclose(file);
    if (got)
        out[strcspn(out, "\n")] = '\0';
    return got;
}

/* "50000 100000", "max 100000"; or the two files of version 1, where -1 is no quota. */
static unsigned quota_of(const char *folder)
{
    char line[64], period[64], *rest;
    if (read_line(folder, "cpu.max", line)) {
        long long quota = strtoll(line, &rest, 10);
        return rest != line ? whole(quota, strtoll(rest, NULL, 10)) : 0;
    }
    if (!read_line(folder, "cpu.cfs_quota_us", line) || !read_line(folder, "cpu.cfs_period_us", period))
        return 0;
    return whole(strtoll(line, NULL, 10), strtoll(period, NULL, 10));
}

static unsigned smaller(unsigned a, unsigned b)
{
    return a == 0 || (b != 0 && b < a) ? b : a;
}

/* From the group itself up to the mount. A container that has its mount but not its name space sees a path that is not there: the
 * mount itself is its group then. */
static unsigned quota_upwards(const char *mount, const char *group)
{
    char folder[PATH_MAX];
    size_t low = strlen(mount);
    unsigned found = 0;
    if (snprintf(folder, sizeof folder, "%s%s", mount, group) >= (int)sizeof folder)
        return 0;
    for (;;) {
        found = smaller(found, quota_of(folder));
        char *slash = strrchr(folder, '/');
        if (slash == NULL || (size_t)(slash - folder) < low)
            return found;
        *slash = '\0';
    }
}

/* Is `cpu` one of the words between commas? */
static bool has_cpu(const char *controllers)
{
    for (const char *word = controllers; *word != '\0'; word += strspn(word, ",")) {
        size_t len = strcspn(word, ",");
        if (len == 3 && memcmp(word, "cpu", 3) == 0)
            return true;
        word += len;
    }
    return false;
}

/* A line of /proc/self/cgroup is `number:controllers:path`; no controllers are named for version 2. */
static unsigned quota_of_line(char *line, const char *root)
{
    char mount[PATH_MAX];
    char *controllers = strchr(line, ':'), *group = controllers != NULL ? strchr(controllers + 1, ':') : NULL;
    if (group == NULL)
        return 0;
    *controllers++ = *group++ = '\0';
    group[strcspn(group, "\n")] = '\0';
    if (controllers[0] != '\0' && !has_cpu(controllers))
        return 0;
    if (controllers[0] == '\0') {
        snprintf(mount, sizeof mount, "%s/unified", root);
        return smaller(quota_upwards(root, group), quota_upwards(mount, group));
    }
    if (snprintf(mount, sizeof mount, "%s/%s", root, controllers) >= (int)sizeof mount)
        return 0;
    return quota_upwards(mount, group);
}

unsigned cpu_quota(const char *cgroup_file, const char *root)
{
    char line[PATH_MAX + 128];
    unsigned found = 0;
    FILE *file = fopen(cgroup_file, "re");
    if (file == NULL)
        return 0;
    while (fgets(line, sizeof line, file) != NULL)
        found = smaller(found, quota_of_line(line, root));
    fclose(file);
    return found;
}

unsigned cpu_count(void)
{
    unsigned found = smaller(affinity(), cpu_quota("/proc/self/cgroup", "/sys/fs/cgroup"));
    return found > 0 ? found : 1;
}
