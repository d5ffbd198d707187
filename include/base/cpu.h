/* cpu.h: how many processors this process may use: those of its affinity (taskset, numactl), and no more than the quota of its
 * control group (the limit of a container). Any thread. */
#ifndef BASE_CPU_H
#define BASE_CPU_H

/* At least 1. */
unsigned cpu_count(void);

/* The quota alone, rounded up to whole processors; 0 = none. cgroup_file: /proc/self/cgroup; root: where the control groups are
 * mounted. The smallest quota from the process's own group up to the root counts. Version 1 and 2. */
unsigned cpu_quota(const char *cgroup_file, const char *root);

#endif
