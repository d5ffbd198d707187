/* scan with symbolic links: reported without -L, followed below the root with it. */
#include "../scan_unit.h"

START_TEST(test_links_without_follow)
{
    put("real.joblib", "x");
    put("dir/a.joblib", "x");
    put_link("file.joblib", "real.joblib");
    put_link("gone.joblib", "nowhere");
    put_link("bertopic_model_l", "dir");
    put_link("sub", "dir");
    put_link("loop", ".");
    put_link("data", "real.joblib");
    put_link("broken", "nowhere");
    scan(&plain);
    const char *why = "symbolic link, not followed; -L follows links that stay below the models directory";
    char want[2000];
    snprintf(want, sizeof want,
             "skipped bertopic_model_l: %s\nfile dir/a.joblib -7\nskipped file.joblib: %s\nskipped gone.joblib: %s\nskipped loop: "
             "%s\n"
             "file real.joblib -7\nskipped sub: %s\n",
             why, why, why, why, why);
    expect(want);
    static const char *const excludes[] = {"sub", "*.joblib", "loop/", NULL};
    const ScanRules rules = {.patterns = joblib, .dir_patterns = bertopic, .excludes = excludes};
    scan(&rules);
    ck_assert_uint_eq(list.count, 1);
}
END_TEST

START_TEST(test_followed_links_to_files)
{
    char absolute[300];
    put("blobs/one", "x");
    put("blobs/two", "xy");
    put("blobs/empty", "");
    put("z/real.joblib", "x");
    snprintf(absolute, sizeof absolute, "%s/blobs/two", unit_temp_dir());
    put_link("a.joblib", "z/real.joblib");
    put_link("one.joblib", "blobs/one");
    put_link("one_more.joblib", "one.joblib");
    put_link("two.joblib", absolute);
    put_link("three.joblib", "blobs/empty");
    put_link("out.joblib", "/etc/passwd");
    put_link("up.joblib", "../../../../../../../../etc/passwd");
    put_link("gone.joblib", "blobs/three");
    put_link("through.joblib", "blobs/one/deeper");
    put_link("circle.joblib", "circle.joblib");
    put_link("ping.joblib", "pong.joblib");
    put_link("pong.joblib", "ping.joblib");
    put_link("proc.joblib", "/proc/self/status");
    put_link("no_match", "blobs/one");
    put_link("no_match_gone", "blobs/four");
    put_link("no_match_out", "/etc/passwd");
    scan(&following);
    expect("skipped a.joblib: symbolic link, same file as z/real.joblib (link)\n"
           "failed circle.joblib: symbolic link that leads in a circle (link)\n"
           "failed gone.joblib: symbolic link that leads nowhere (link)\n"
           "file one.joblib -7 (link)\n"
           "skipped one_more.joblib: symbolic link, same file as one.joblib (link)\n"
           "skipped out.joblib: symbolic link, not followed: it leads outside the models directory (link)\n"
           "failed ping.joblib: symbolic link that leads in a circle (link)\n"
           "failed pong.joblib: symbolic link that leads in a circle (link)\n"
           "skipped proc.joblib: symbolic link, not followed: it leads outside the models directory (link)\n"
           "failed three.joblib: is empty (0 bytes); train or copy the model again (link)\n"
           "failed through.joblib: symbolic link that leads nowhere (link)\n"
           "file two.joblib -7 (link)\n"
           "skipped up.joblib: symbolic link, not followed: it leads outside the models directory (link)\n"
           "file z/real.joblib -7\n");
    ck_assert_uint_eq(list.items[11].stamp.size, 2);
}
END_TEST

START_TEST(test_links_and_includes)
{
    static const char *const includes[] = {"eu/*", NULL};
    put("blobs/one", "x");
    put("blobs/two", "x");
    put("dir/x.joblib", "x");
    ck_assert_int_eq(mkfifoat(root, "blobs/pipe", 0644), 0);
    put_link("eu/one.joblib", "../blobs/one");
    put_link("us/two.joblib", "../blobs/two");
    put_link("eu/pipe.joblib", "../blobs/pipe");
    put_link("us/gone.joblib", "../blobs/none");
    put_link("eu/dir", "../dir");
    put_link("us/dir", "../dir");
    ScanRules rules = {.patterns = joblib, .dir_patterns = bertopic, .includes = includes};
    scan(&rules);
    ck_assert_uint_eq(list.count, 3);
    ck_assert_str_eq(list.items[0].path, "eu/dir");
    ck_assert_str_eq(list.items[1].path, "eu/one.joblib");
    ck_assert_str_eq(list.items[2].path, "eu/pipe.joblib");
    rules.follow_links = true;
    scan(&rules);
    expect("skipped eu/dir: symbolic link, same directory as dir (link)\n"
           "file eu/one.joblib -7 (link)\n"
           "failed eu/pipe.joblib: symbolic link to a FIFO, socket or device (link)\n");
}
END_TEST

/* A neighbour whose path begins with that of the root is not below it. */
START_TEST(test_a_neighbour_is_outside)
{
    char target[300];
    put("models/a.joblib", "x");
    put("models-private/secret.joblib", "x");
    put("models-private/sub/secret.joblib", "x");
    snprintf(target, sizeof target, "%s/models-private/secret.joblib", unit_temp_dir());
    put_link("models/s.joblib", target);
    put_link("models/d", "../models-private");
    put_link("models/back.joblib", "../models/a.joblib"); /* out and in again is inside */
    int inner = openat(root, "models", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    close(root);
    root = inner;
    scan(&following);
    expect("file a.joblib -7\n"
           "skipped back.joblib: symbolic link, same file as a.joblib (link)\n"
           "skipped d: symbolic link, not followed: it leads outside the models directory (link)\n"
           "skipped s.joblib: symbolic link, not followed: it leads outside the models directory (link)\n");
}
END_TEST

START_TEST(test_followed_links_to_directories)
{
    put("a/x.joblib", "x");
    put("old/y.joblib", "x");
    put("old/deep/z.joblib", "x");
    put("old/m/MLmodel", "x");
    put_link("old/again", "deep");
    put_link("old/up", "..");
    put_link("a/self", ".");
    put_link("b", "a");
    put_link("c", "old");
    put_link("c2", "old");
    put_link("deep", "old/deep");
    put_link("out", "/usr");
    static const char *const excludes[] = {"old", NULL};
    ScanRules rules = following;
    rules.excludes = excludes;
    scan(&rules);
    expect("skipped a/self: symbolic link, same directory as a (link)\n"
           "file a/x.joblib -7\n"
           "skipped b: symbolic link, same directory as a (link)\n"
           "skipped c/again: symbolic link, same directory as c/deep (link)\n"
           "file c/deep/z.joblib -7 (link)\n"
           "dir c/m mlflow (link)\n"
           "skipped c/up: symbolic link, same directory as . (link)\n"
           "file c/y.joblib -7 (link)\n"
           "skipped c2: symbolic link, same directory as c (link)\n"
           "skipped deep: symbolic link, same directory as c/deep (link)\n"
           "skipped out: symbolic link, not followed: it leads outside the models directory (link)\n");
}
END_TEST

/* Kubernetes, git-annex, DVC: the link is the name, the file has none. */
START_TEST(test_links_into_hidden_folders)
{
    put("..2026_06_03/x.joblib", "x");
    put_link("..data", "..2026_06_03");
    put_link("x.joblib", "..data/x.joblib");
    put_link("sub.joblib", "..2026_06_03");
    put(".dvc/cache/d3/b07384", "y");
    put_link("a/churn.joblib", "../.dvc/cache/d3/b07384");
    put_link("a/twin.joblib", "../.dvc/cache/d3/b07384");
    put("plain.joblib", "z");
    put_link("link.joblib", "plain.joblib");
    put_link("out.joblib", "/etc/passwd");
    scan(&plain);
    ck_assert_ptr_nonnull(strstr(shown, "file a/churn.joblib -7 (link)\nfile a/twin.joblib -7 (link)\nskipped link.joblib: symbolic"));
    ck_assert_ptr_nonnull(strstr(shown, "file plain.joblib -7\nskipped sub.joblib: symbolic"));
    ck_assert_ptr_nonnull(strstr(shown, "file x.joblib -7 (link)\n"));
    ck_assert_ptr_nonnull(strstr(shown, "skipped out.joblib: symbolic"));
    scan(&following);
    ck_assert_ptr_nonnull(strstr(shown, "file a/churn.joblib -7 (link)\nfile a/twin.joblib -7 (link)\n"));
    ck_assert_ptr_nonnull(strstr(shown, "skipped link.joblib: symbolic link, same file as plain.joblib (link)\n"));
    ck_assert_ptr_nonnull(strstr(shown, "file x.joblib -7 (link)\n"));
}
END_TEST

/* What lies inside a directory model is stored with it, and not a second time. */
START_TEST(test_links_into_directory_models)
{
    put("bertopic_model_1/topics.json", "x");
    put("bertopic_model_1/config.json", "x");
    put("bertopic_model_1/parts/a.joblib", "x");
    put("bertopic_model_1/b.joblib", "xy");
    put_link("b.joblib", "bertopic_model_1/b.joblib");
    put_link("bertopic_model_2", "bertopic_model_1");
    put_link("parts", "bertopic_model_1/parts");
    scan(&following);
    expect("skipped b.joblib: symbolic link, same file as bertopic_model_1 (link)\n"
           "dir bertopic_model_1 bertopic\n"
           "skipped bertopic_model_2: symbolic link, same directory as bertopic_model_1 (link)\n"
           "skipped parts: symbolic link, same directory as bertopic_model_1 (link)\n");
    /* The inner part first, by a link; then a link to the whole. */
    static const char *const excludes[] = {"bertopic_model_1", "bertopic_model_2", "b.joblib", NULL};
    ScanRules rules = following;
    rules.excludes = excludes;
    put_link("whole", "bertopic_model_1");
    scan(&rules);
    expect("file parts/a.joblib -7 (link)\nskipped whole: symbolic link, has the same models as parts (link)\n");
}
END_TEST

/* Two links in each directory, each to the next one: 2^40 paths, 40 directories. */
START_TEST(test_a_web_of_links_ends)
{
    char path[64], target[64];
    for (int i = 0; i < 40; i++) {
        snprintf(path, sizeof path, "d%02d/x%02d.joblib", i, i);
        put(path, "x");
        snprintf(target, sizeof target, "../d%02d", i + 1);
        snprintf(path, sizeof path, "d%02d/left", i);
        put_link(path, target);
        snprintf(path, sizeof path, "d%02d/right", i);
        put_link(path, target);
    }
    static const char *const excludes[] = {"d0[1-9]", "d[1-3]?", NULL};
    ScanRules rules = following;
    scan(&rules);
    ck_assert_uint_eq(list.count, 40 + 2 * 39);
    rules.excludes = excludes; /* all but the first are reached by links only */
    scan(&rules);
    uint32_t pending = 0;
    for (uint32_t i = 0; i < list.count; i++)
        pending += list.items[i].state == MODEL_PENDING;
    ck_assert_uint_ge(pending, 30);
    ck_assert_uint_le(pending, 40);
}
END_TEST

START_TEST(test_link_open)
{
    char real[LINK_PATH_MAX];
    char absolute[300];
    put("in/a.joblib", "x");
    snprintf(absolute, sizeof absolute, "%s/in", unit_temp_dir());
    put_link("dir", absolute);
    put_link("self", ".");
    put_link("out", "/etc");
    int fd = link_resolve(root, "dir/a.joblib", real);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(real, "in/a.joblib");
    close(fd);
    fd = link_resolve(root, "self", real);
    ck_assert_int_ge(fd, 0);
    ck_assert_str_eq(real, ".");
    close(fd);
    char byte;
    fd = link_open(root, "dir/a.joblib", O_RDONLY);
    ck_assert_int_eq(read(fd, &byte, 1), 1);
    ck_assert_int_eq(byte, 'x');
    close(fd);
    ck_assert_int_eq(link_open(root, "out/passwd", O_RDONLY), -1);
    ck_assert_int_eq(errno, EXDEV);
    ck_assert_int_eq(link_open(root, "in/b.joblib", O_RDONLY), -1);
    ck_assert_int_eq(errno, ENOENT);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage_scan");
    TCase *tc = tcase_create("scan");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_links_without_follow);
    tcase_add_test(tc, test_followed_links_to_files);
    tcase_add_test(tc, test_links_and_includes);
    tcase_add_test(tc, test_a_neighbour_is_outside);
    tcase_add_test(tc, test_followed_links_to_directories);
    tcase_add_test(tc, test_links_into_hidden_folders);
    tcase_add_test(tc, test_links_into_directory_models);
    tcase_add_test(tc, test_a_web_of_links_ends);
    tcase_add_test(tc, test_link_open);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
