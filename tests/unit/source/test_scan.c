#define _GNU_SOURCE /* O_PATH, makedev */
#include "../scan_unit.h"

START_TEST(test_files_that_match)
{
    put("b.joblib", "x");
    put("a.joblib", "xyz");
    put("a/z.joblib", "x");
    put("a/deep/er/y.joblib", "x");
    put("a.pkl", "x");
    put("readme.md", "x");
    put("a.joblib.tmp", "x");
    put(".hidden.joblib", "x");
    put("caf\xe9.joblib", "x");
    put_dir("empty");
    scan(&plain);
    expect("file a.joblib -7\nfile a/deep/er/y.joblib -7\nfile a/z.joblib -7\nfile b.joblib -7\n"
           "file caf\xe9.joblib -7\n");
    ck_assert_uint_eq(list.items[0].stamp.size, 3);
    ck_assert_int_eq(list.items[0].version, VERSION_AUTO);
}
END_TEST

START_TEST(test_stamp_is_that_of_stat)
{
    struct stat st;
    struct timespec times[2] = {{.tv_sec = 1, .tv_nsec = 2}, {.tv_sec = 1700000000, .tv_nsec = 123456789}};
    put("a.joblib", "xyz");
    ck_assert_int_eq(utimensat(root, "a.joblib", times, 0), 0);
    ck_assert_int_eq(fstatat(root, "a.joblib", &st, 0), 0);
    scan(&plain);
    const Stamp *stamp = &list.items[0].stamp;
    ck_assert_uint_eq(stamp->dev, st.st_dev);
    ck_assert_uint_eq(stamp->ino, st.st_ino);
    ck_assert_uint_eq(stamp->size, 3);
    ck_assert_int_eq(stamp->mtime_ns, INT64_C(1700000000123456789));
    ck_assert_int_eq(stamp->ctime_ns, (int64_t)st.st_ctim.tv_sec * 1000000000 + st.st_ctim.tv_nsec);
}
END_TEST

/* '.' and '-' sort before '/', letters after it: a plain walk gets this wrong. */
START_TEST(test_order_is_that_of_strcmp)
{
    static const char *const paths[] = {"a-b.joblib",   "a.joblib",     "a/x.joblib",  "a0.joblib",   "a/-.joblib",
                                        "a/b/c.joblib", "a/b.joblib",   "a-/x.joblib", "aa/x.joblib", "\xc3\xa9/x.joblib",
                                        "Z.joblib",     "a b/x.joblib", "a.d/x.joblib"};
    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        put(paths[i], "x");
    put("a/m/MLmodel", "x");
    put("a/m.joblib", "x");
    put("a/m-.joblib", "x");
    put("a/m0.joblib", "x");
    scan(&plain); /* show checks the order */
    ck_assert_uint_eq(list.count, 17);
}
END_TEST

START_TEST(test_suffix_follows_the_pattern)
{
    static const char *const patterns[] = {"*.tar.gz", "*_final.pkl", "exact.bin.xz", "glob_*", "dir/*.gz", "*joblib", NULL};
    const ScanRules rules = {.patterns = patterns};
    put("a.tar.gz", "x");
    put("b.gz", "x");
    put("b_final.pkl", "x");
    put("exact.bin.xz", "x");
    put("glob_x.y.z", "x");
    put("glob_plain", "x");
    put("dir/c.gz", "x");
    put("other/c.gz", "x");
    put("d.joblib", "x");
    put(".joblib", "x"); /* hidden */
    scan(&rules);
    expect("file a.tar.gz -7\nfile b_final.pkl -4\nfile d.joblib -7\nfile dir/c.gz -3\nfile exact.bin.xz -3\n"
           "file glob_plain -0\nfile glob_x.y.z -2\n");
}
END_TEST

START_TEST(test_includes_and_excludes)
{
    static const char *const includes[] = {"eu/*", "merger*", NULL};
    static const char *const excludes[] = {"*_old.joblib", "eu/secret", "trash/", NULL};
    static const char *const none[] = {NULL};
    put("eu/a.joblib", "x");
    put("eu/a_old.joblib", "x");
    put("eu/secret/b.joblib", "x");
    put("eu/trash/c.joblib", "x");
    put("eu/empty.joblib", "");
    put("us/a.joblib", "x");
    put("us/empty.joblib", "");
    put("us/merger.joblib", "x");
    put("trash/merger.joblib", "x");
    put("us/bertopic_model_1/x", "x");
    put("eu/bertopic_model_2/x", "x");
    ScanRules rules = {.patterns = joblib, .dir_patterns = bertopic, .includes = includes, .excludes = excludes};
    scan(&rules);
    expect("file eu/a.joblib -7\ndir eu/bertopic_model_2 bertopic\nfailed eu/empty.joblib: is empty (0 bytes); train or copy the "
           "model again\n"
           "file us/merger.joblib -7\n");
    rules.includes = none;
    scan(&rules);
    ck_assert_uint_eq(list.count, 7);
    rules.excludes = none;
    scan(&rules);
    ck_assert_uint_eq(list.count, 11);
}
END_TEST

START_TEST(test_what_only_looks_like_a_model)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%.80s/s.joblib", unit_temp_dir());
    int sock = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_eq(bind(sock, (const struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(mkfifoat(root, "f.joblib", 0644), 0);
    ck_assert_int_eq(mkfifoat(root, "bertopic_model_fifo", 0644), 0);
    ck_assert_int_eq(mkfifoat(root, "other", 0644), 0);
    put("e.joblib", "");
    put("e.txt", "");
    put("bertopic_model_file", "x");
    put("bertopic_model_file.joblib", "x");
    put("ok.joblib", "x");
    scan(&plain);
    expect("failed bertopic_model_fifo: is a FIFO, not a model\n"
           "file bertopic_model_file.joblib -7\n"
           "failed e.joblib: is empty (0 bytes); train or copy the model again\n"
           "failed f.joblib: is a FIFO, not a model\n"
           "file ok.joblib -7\n"
           "failed s.joblib: is a socket, not a model\n");
    close(sock);
    if (mknodat(root, "null.joblib", S_IFCHR | 0600, makedev(1, 3)) == 0) { /* only root may */
        scan(&plain);
        ck_assert_ptr_nonnull(strstr(shown, "failed null.joblib: is a device, not a model\n"));
    }
}
END_TEST

START_TEST(test_directory_markers)
{
    put("m/MLmodel", "x");
    put("m/model.joblib", "x");
    put("m/data/inner.joblib", "x");
    put("t/saved_model.pb", "x");
    put("s/modules.json", "x");
    put("b/topics.json", "x");
    put("b/config.json", "{}");
    put("h/config.json", "x");
    put("h/model.safetensors", "x");
    put("h2/config.json", "x");
    put("h2/pytorch_model.bin", "x");
    /* not enough */
    put("n1/config.json", "x");
    put("n1/a.joblib", "x");
    put("n2/w.safetensors", "x");
    put("n3/ctfidf.bin", "x");
    put("n4/MLMODEL", "x");
    put("n5/topics.json/MLmodel/x", "x"); /* directories are no markers */
    put("n6/topics.json", "x");
    scan(&plain);
    expect("dir b bertopic\ndir h transformers\ndir h2 transformers\ndir m mlflow\nfile n1/a.joblib -7\ndir s "
           "sentence-transformers\n"
           "dir t tensorflow\n");
}
END_TEST

START_TEST(test_root_that_is_a_model)
{
    Err err = {0};
    put("MLmodel", "x");
    ck_assert(!scan_tree(root, &plain, &list, &err));
    ck_assert_int_eq(err.cls, ERR_USAGE);
    ck_assert_str_eq(err.text, "is itself a model (mlflow), not a folder of models");
}
END_TEST

START_TEST(test_directory_types)
{
    put("bertopic_model_0a1b2c3d/topics.json", "x");
    put("bertopic_model_0a1b2c3d/topic_embeddings.safetensors", "x");
    put("bertopic_model_0a1b2c3d/config.json", "x");
    put("bertopic_model_0a1b2c3d/ctfidf_config.json", "x");
    put("bertopic_model_0a1b2c3d/images/0.jpg", "x");
    put("bertopic_model_byname/model", "x");
    put("bertopic_model_mlflow/MLmodel", "x");
    put("mixed/MLmodel", "x");
    put("mixed/saved_model.pb", "x");
    put("mixed/topics.json", "x");
    put("parts/config.json", "x");
    put("parts/topic_embeddings.bin", "x");
    put("parts2/config.json", "x");
    put("parts2/ctfidf.safetensors", "x");
    put("st/modules.json", "x");
    put("st/config.json", "x");
    put("st/model.safetensors", "x");
    put("keep_me/x", "x");
    static const char *const patterns[] = {"bertopic_model_*", "keep_*", NULL};
    const ScanRules rules = {.patterns = joblib, .dir_patterns = patterns};
    scan(&rules);
    expect("dir bertopic_model_0a1b2c3d bertopic\ndir bertopic_model_byname bertopic\ndir bertopic_model_mlflow mlflow\n"
           "dir keep_me unknown\ndir mixed mlflow\ndir parts bertopic\ndir parts2 bertopic\ndir st sentence-transformers\n");
}
END_TEST

START_TEST(test_directory_models_that_cannot_be_stored)
{
    put_dir("bertopic_model_empty/images");
    put("bertopic_model_link/topics.json", "x");
    put_link("bertopic_model_link/images/a.png", "../topics.json");
    put("bertopic_model_fifo/topics.json", "x");
    ck_assert_int_eq(mkfifoat(root, "bertopic_model_fifo/pipe", 0644), 0);
    put("hub/config.json", "x");
    put_link("hub/model.safetensors", "/nonexistent/blob"); /* a link is enough to tell what this wants to be */
    put("ok.joblib", "x");
    scan(&plain);
    ck_assert_uint_eq(list.count, 5);
    static const char *const parts[] = {"bertopic_model_empty", "pipe", "images/a.png", "model.safetensors"};
    for (uint32_t i = 0; i < 4; i++) {
        ck_assert_int_eq(list.items[i].state, MODEL_FAILED);
        ck_assert_int_eq(list.items[i].kind, MODEL_DIRECTORY);
        ck_assert_msg(strstr(list.items[i].reason, parts[i]) != NULL, "%s", list.items[i].reason);
    }
    ck_assert_int_eq(list.items[4].state, MODEL_PENDING);
}
END_TEST

START_TEST(test_directory_stamp_sees_every_change)
{
    put("bertopic_model_1/topics.json", "12345");
    put("bertopic_model_1/images/0.jpg", "123");
    put("bertopic_model_1/images/1.jpg", "12");
    scan(&plain);
    struct stat st;
    ck_assert_int_eq(fstatat(root, "bertopic_model_1", &st, 0), 0);
    Stamp before = list.items[0].stamp;
    ck_assert_uint_eq(before.size, 10);
    ck_assert_uint_eq(before.ino, st.st_ino);
    ck_assert_uint_eq(before.dev, st.st_dev);
    scan(&plain);
    ck_assert(stamp_is(&before, &list.items[0].stamp, 0));

    ck_assert_int_eq(renameat(root, "bertopic_model_1/images/1.jpg", root, "bertopic_model_1/images/2.jpg"), 0);
    scan(&plain);
    ck_assert_uint_eq(list.items[0].stamp.size, 10);
    ck_assert(!stamp_is(&before, &list.items[0].stamp, 0));

    before = list.items[0].stamp;
    put("bertopic_model_1/images/0.jpg", "abc");
    struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
    ck_assert_int_eq(utimensat(root, "bertopic_model_1/images/0.jpg", times, 0), 0);
    scan(&plain);
    ck_assert_uint_eq(list.items[0].stamp.size, 10);
    ck_assert(!stamp_is(&before, &list.items[0].stamp, 0));
}
END_TEST

/* As root nothing is unreadable: become somebody else for a while. */
static bool drop_rights(void)
{
    ck_assert_int_eq(fchmod(root, 0755), 0);
    return geteuid() != 0 || seteuid(65534) == 0;
}

START_TEST(test_unreadable_directories)
{
    put("ok/a.joblib", "x");
    put("locked/b.joblib", "x");
    put("bertopic_model_1/topics.json", "x");
    put("listed/c.joblib", "x");
    put("zz.joblib", "x");
    ck_assert_int_eq(fchmodat(root, "locked", 0, 0), 0);
    ck_assert_int_eq(fchmodat(root, "bertopic_model_1", 0, 0), 0);
    ck_assert_int_eq(fchmodat(root, "listed", 0744, 0), 0); /* names, but no stat */
    ck_assert(drop_rights());
    if (getuid() == 0) {
        scan(&plain);
        expect("failed bertopic_model_1: this directory cannot be opened: Permission denied\n"
               "failed listed: this directory cannot be read: Permission denied\n"
               "failed locked: this directory cannot be opened: Permission denied\n"
               "file ok/a.joblib -7\nfile zz.joblib -7\n");
        ck_assert_int_eq(list.items[2].kind, MODEL_DIRECTORY);
        static const char *const excludes[] = {"locked", "listed", "bertopic*", NULL};
        ScanRules rules = plain;
        rules.excludes = excludes;
        scan(&rules);
        expect("file ok/a.joblib -7\nfile zz.joblib -7\n");
        ck_assert_int_eq(seteuid(0), 0);
    } else {
        scan(&plain);
        ck_assert_ptr_nonnull(strstr(shown, "failed locked: this directory cannot be opened: Permission denied\n"));
    }
    ck_assert_int_eq(fchmodat(root, "locked", 0755, 0), 0);
    ck_assert_int_eq(fchmodat(root, "listed", 0755, 0), 0);
    ck_assert_int_eq(fchmodat(root, "bertopic_model_1", 0755, 0), 0);
}
END_TEST

START_TEST(test_unreadable_root_stops)
{
    Err err;
    put("file", "x");
    int file = openat(root, "file", O_RDONLY | O_CLOEXEC);
    ck_fails(scan_tree(file, &plain, &list, &err), ERR_STOP, "this directory cannot be read");
    ck_assert(!scan_tree(-1, &plain, &list, NULL));
    close(file);
}
END_TEST

START_TEST(test_no_descriptors_stops)
{
    Err err;
    struct rlimit limit;
    put("a/b/c/d/e/f/g/h/x.joblib", "x");
    ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
    struct rlimit few = {.rlim_cur = (rlim_t)root + 5, .rlim_max = limit.rlim_max};
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &few), 0);
    ck_fails(scan_tree(root, &plain, &list, &err), ERR_STOP, "Too many open files");
    ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
}
END_TEST

START_TEST(test_very_deep_tree)
{
    int at = dup(root);
    for (int i = 0; i < 900; i++) {
        ck_assert_int_eq(mkdirat(at, "directory_name", 0755), 0);
        int next = openat(at, "directory_name", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        ck_assert_int_ge(next, 0);
        close(at);
        at = next;
    }
    close(at);
    put("a.joblib", "x");
    scan(&plain);
    ck_assert_uint_eq(list.count, 2);
    ck_assert_int_eq(list.items[1].state, MODEL_FAILED);
    ck_assert_ptr_nonnull(strstr(list.items[1].reason, "nested deeper than 400"));
}
END_TEST

START_TEST(test_no_descriptor_leaks)
{
    put("a/b/x.joblib", "x");
    put("bertopic_model_1/x", "x");
    put("bertopic_model_2/pipe_dir/x", "x");
    ck_assert_int_eq(mkfifoat(root, "bertopic_model_2/pipe", 0644), 0);
    put_link("l", "a");
    put_link("o.joblib", "/etc/passwd");
    put_link("k.joblib", "a/b/x.joblib");
    int before = dup(root);
    close(before);
    for (int i = 0; i < 3; i++)
        scan(&following);
    int after = dup(root);
    close(after);
    ck_assert_int_eq(before, after);
    /* nor is the caller's offset moved: it can still read the directory from its start */
    ck_assert_int_eq(lseek(root, 0, SEEK_CUR), 0);
}
END_TEST

/* A FIFO that anyone opened would block for ever, and an opened file would have a new access time. */
START_TEST(test_no_file_is_opened)
{
    struct timespec times[2] = {{.tv_sec = 1000}, {.tv_sec = 2000}};
    struct stat st;
    put("a.joblib", "x");
    put("bertopic_model_1/topics.json", "x");
    ck_assert_int_eq(fchmodat(root, "a.joblib", 0, 0), 0);
    ck_assert_int_eq(fchmodat(root, "bertopic_model_1/topics.json", 0, 0), 0);
    ck_assert_int_eq(utimensat(root, "a.joblib", times, 0), 0);
    ck_assert_int_eq(fchmodat(root, "bertopic_model_1", 0755, 0), 0);
    ck_assert(drop_rights());
    scan(&plain);
    if (getuid() == 0)
        ck_assert_int_eq(seteuid(0), 0);
    expect("file a.joblib -7\ndir bertopic_model_1 bertopic\n");
    ck_assert_int_eq(fstatat(root, "a.joblib", &st, 0), 0);
    ck_assert_int_eq(st.st_atim.tv_sec, 1000);
}
END_TEST

START_TEST(test_a_hundred_thousand_files)
{
    char path[64];
    for (unsigned i = 0; i < 100000; i++) {
        snprintf(path, sizeof path, "event_%u_classifier_binary.joblib", i * 7919u % 100000u);
        ck_assert_int_eq(linkat(root, "seed", root, path, 0) == 0 ? 0 : (put("seed", "x"), linkat(root, "seed", root, path, 0)), 0);
        if (i % 20000 == 19999) { /* below the limit of links to one file */
            ck_assert_int_eq(unlinkat(root, "seed", 0), 0);
        }
    }
    Err err = {0};
    ck_ok(scan_tree(root, &plain, &list, &err));
    ck_assert_uint_eq(list.count, 100000);
    for (uint32_t i = 1; i < list.count; i++)
        ck_assert_msg(strcmp(list.items[i - 1].path, list.items[i].path) < 0, "%s is out of order", list.items[i].path);
}
END_TEST

/* What killed commands leave is told, and is never a model, however much it looks like one. */
START_TEST(test_leftovers_of_killed_commands)
{
    put(".cleanup-0123456789abcdef/MLmodel", "m");
    put(".x.joblib.restore-0123456789abcdef", "half");
    put(".bertopic_model_1a2b3c4d.restore-00112233445566ff/topics.json", "half");
    put(".cleanup-0123456789abcdeg.joblib", "a model with a strange name");
    put(".restore-0123456789abcdef.joblib", "another");
    ScanRules rules = plain;
    rules.hidden = true;
    scan(&rules);
    ck_assert_int_eq((int)list.count, 5);
    for (uint32_t i = 0; i < list.count; i++) {
        bool leftover = strstr(list.items[i].path, ".joblib.restore") != NULL || !text_ends_with(list.items[i].path, ".joblib");
        ck_assert_msg((list.items[i].state == MODEL_FAILED) == leftover, "%s", list.items[i].path);
        ck_assert(!leftover || strstr(list.items[i].reason, "was cut off here") != NULL);
    }
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("stage_scan");
    TCase *tc = tcase_create("scan");
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_files_that_match);
    tcase_add_test(tc, test_stamp_is_that_of_stat);
    tcase_add_test(tc, test_order_is_that_of_strcmp);
    tcase_add_test(tc, test_suffix_follows_the_pattern);
    tcase_add_test(tc, test_includes_and_excludes);
    tcase_add_test(tc, test_what_only_looks_like_a_model);
    tcase_add_test(tc, test_directory_markers);
    tcase_add_test(tc, test_root_that_is_a_model);
    tcase_add_test(tc, test_directory_types);
    tcase_add_test(tc, test_directory_models_that_cannot_be_stored);
    tcase_add_test(tc, test_directory_stamp_sees_every_change);
    tcase_add_test(tc, test_unreadable_directories);
    tcase_add_test(tc, test_unreadable_root_stops);
    tcase_add_test(tc, test_no_descriptors_stops);
    tcase_add_test(tc, test_very_deep_tree);
    tcase_add_test(tc, test_no_descriptor_leaks);
    tcase_add_test(tc, test_no_file_is_opened);
    tcase_add_test(tc, test_a_hundred_thousand_files);
    tcase_add_test(tc, test_leftovers_of_killed_commands);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
