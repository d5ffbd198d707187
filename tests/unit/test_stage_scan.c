#define _GNU_SOURCE /* O_PATH, makedev */
#include "stage/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "base/link.h"
#include "base/text.h"
#include "unit.h"

static int root = -1;
static ModelList list;
static char shown[65536];

static const char *const joblib[] = {"*.joblib", NULL};
static const char *const bertopic[] = {"bertopic_model_*", NULL};
static const ScanRules plain = {.patterns = joblib, .dir_patterns = bertopic};
static const ScanRules following = {.patterns = joblib, .dir_patterns = bertopic, .follow_links = true};

static void setup(void)
{
    root = open(unit_temp_dir(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    ck_assert_int_ge(root, 0);
}

static void teardown(void)
{
    model_list_free(&list);
    close(root);
    unit_remove_temp();
}

/* Makes the parents of `path`. */
static void parents(const char *path)
{
    char part[4096];
    for (const char *slash = strchr(path, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
        snprintf(part, sizeof part, "%.*s", (int)(slash - path), path);
        ck_assert(mkdirat(root, part, 0755) == 0 || errno == EEXIST);
    }
}

static void put(const char *path, const char *content)
{
    parents(path);
    int fd = openat(root, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    ck_assert_msg(fd >= 0, "%s", path);
    ck_assert_int_eq(write(fd, content, strlen(content)), (ssize_t)strlen(content));
    ck_assert_int_eq(close(fd), 0);
}

static void put_dir(const char *path)
{
    parents(path);
    ck_assert_int_eq(mkdirat(root, path, 0755), 0);
}

static void put_link(const char *path, const char *target)
{
    parents(path);
    ck_assert_int_eq(symlinkat(target, root, path), 0);
}

/* The list as text: one line for each model. */
static void show(void)
{
    size_t used = 0;
    shown[0] = '\0';
    for (uint32_t i = 0; i < list.count; i++) {
        const Model *model = &list.items[i];
        char line[4096];
        if (model->state != MODEL_PENDING)
            snprintf(line, sizeof line, "%s %s", model_state_name((ModelState)model->state), model->reason);
        else if (model->kind == MODEL_DIRECTORY)
            snprintf(line, sizeof line, "dir %s %s", model->path, model_dir_type_name((DirType)model->dir_type));
        else
            snprintf(line, sizeof line, "file %s -%u", model->path, model->suffix_len);
        int put_now = snprintf(shown + used, sizeof shown - used, "%s%s\n", line, model->followed_link ? " (link)" : "");
        used += (size_t)put_now;
        ck_assert_uint_lt(used, sizeof shown);
        ck_assert_msg(i == 0 || strcmp(list.items[i - 1].path, model->path) < 0, "%s is out of order", model->path);
        ck_assert_msg(model->reason == NULL || text_starts_with(model->reason, model->path), "%s", model->reason);
    }
}

static void scan(const ScanRules *rules)
{
    Err err = {0};
    model_list_free(&list);
    ck_ok(scan_tree(root, rules, &list, &err));
    ck_assert_int_eq(err.cls, ERR_NONE);
    show();
}

#define expect(text) ck_assert_str_eq(shown, text)

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
    expect("file .hidden.joblib -7\nfile a.joblib -7\nfile a/deep/er/y.joblib -7\nfile a/z.joblib -7\nfile b.joblib -7\n"
           "file caf\xe9.joblib -7\n");
    ck_assert_uint_eq(list.items[1].stamp.size, 3);
    ck_assert_int_eq(list.items[1].version, VERSION_AUTO);
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
    static const char *const paths[] = {"a-b.joblib", "a.joblib", "a/x.joblib", "a0.joblib", "a/-.joblib", "a/b/c.joblib", "a/b.joblib",
                                        "a-/x.joblib", "aa/x.joblib", "\xc3\xa9/x.joblib", "Z.joblib", "a b/x.joblib", "a.d/x.joblib"};
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
    put(".joblib", "x");
    scan(&rules);
    expect("file .joblib -0\nfile a.tar.gz -7\nfile b_final.pkl -4\nfile d.joblib -7\nfile dir/c.gz -3\nfile exact.bin.xz -3\n"
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
    expect("file eu/a.joblib -7\ndir eu/bertopic_model_2 bertopic\nfailed eu/empty.joblib: is empty (0 bytes); train or copy the model again\n"
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
    /* the root never is one */
    put("MLmodel", "x");
    put("config.json", "x");
    put("x.bin", "x");
    scan(&plain);
    expect("dir b bertopic\ndir h transformers\ndir h2 transformers\ndir m mlflow\nfile n1/a.joblib -7\ndir s sentence-transformers\n"
           "dir t tensorflow\n");
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
    ck_assert(stamp_equal(&before, &list.items[0].stamp));

    ck_assert_int_eq(renameat(root, "bertopic_model_1/images/1.jpg", root, "bertopic_model_1/images/2.jpg"), 0);
    scan(&plain);
    ck_assert_uint_eq(list.items[0].stamp.size, 10);
    ck_assert(!stamp_equal(&before, &list.items[0].stamp));

    before = list.items[0].stamp;
    put("bertopic_model_1/images/0.jpg", "abc");
    struct timespec times[2] = {{.tv_sec = 5}, {.tv_sec = 5}};
    ck_assert_int_eq(utimensat(root, "bertopic_model_1/images/0.jpg", times, 0), 0);
    scan(&plain);
    ck_assert_uint_eq(list.items[0].stamp.size, 10);
    ck_assert(!stamp_equal(&before, &list.items[0].stamp));
}
END_TEST

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
             "skipped bertopic_model_l: %s\nfile dir/a.joblib -7\nskipped file.joblib: %s\nskipped gone.joblib: %s\nskipped loop: %s\n"
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

/* What lies inside a directory model is stored with it, and not a second time. */
START_TEST(test_links_into_directory_models)
{
    put("bertopic_model_1/topics.json", "x");
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
    expect("file parts/a.joblib -7 (link)\nskipped whole: symbolic link, holds what was found already in parts (link)\n");
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
    ck_assert_ptr_nonnull(strstr(list.items[1].reason, "lies too deep"));
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

static double cpu_seconds(void)
{
    struct timespec now;
    ck_assert_int_eq(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

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
    double before = cpu_seconds();
    Err err = {0};
    ck_ok(scan_tree(root, &plain, &list, &err));
    double took = cpu_seconds() - before;
    ck_assert_uint_eq(list.count, 100000);
    for (uint32_t i = 1; i < list.count; i++)
        ck_assert_msg(strcmp(list.items[i - 1].path, list.items[i].path) < 0, "%s is out of order", list.items[i].path);
    /* 0.1 s on the machine it was written on; sanitizers and slow machines get room. */
    ck_assert_msg(took < 3.0, "%.3f s of CPU", took);
    printf("100,000 files: %.3f s of CPU\n", took);
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
    tcase_add_test(tc, test_directory_types);
    tcase_add_test(tc, test_directory_models_that_cannot_be_stored);
    tcase_add_test(tc, test_directory_stamp_sees_every_change);
    tcase_add_test(tc, test_links_without_follow);
    tcase_add_test(tc, test_followed_links_to_files);
    tcase_add_test(tc, test_links_and_includes);
    tcase_add_test(tc, test_a_neighbour_is_outside);
    tcase_add_test(tc, test_followed_links_to_directories);
    tcase_add_test(tc, test_links_into_directory_models);
    tcase_add_test(tc, test_a_web_of_links_ends);
    tcase_add_test(tc, test_link_open);
    tcase_add_test(tc, test_unreadable_directories);
    tcase_add_test(tc, test_unreadable_root_stops);
    tcase_add_test(tc, test_no_descriptors_stops);
    tcase_add_test(tc, test_very_deep_tree);
    tcase_add_test(tc, test_no_descriptor_leaks);
    tcase_add_test(tc, test_no_file_is_opened);
    tcase_add_test(tc, test_a_hundred_thousand_files);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
