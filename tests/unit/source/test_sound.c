#include "../../../src/source/sound.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"
#include "../unit.h"

static Err err;

static bool head_is_good(const char *path, const void *head, size_t len)
{
    err = (Err){0};
    return sound_head(path, head, len, len, &err);
}

#define HEAD(path, literal) head_is_good((path), (literal), sizeof(literal) - 1)

START_TEST(what_is_no_model)
{
    static const struct {
        const char *path, *text, *what;
    } rows[] = {{"a.joblib", "<!DOCTYPE html>\n<html>", "an HTML page"},
                {"a.model", "  <HTML><body>", "an HTML page"},
                {"a.JOBLIB", "<?xml version=\"1.0\"?>\n<Error/>", "an XML text"},
                {"a.pt", "{\"message\":\"Bad credentials\"}\n", "a JSON text"},
                {"a.pkl.gz", "\xef\xbb\xbf[1]", "a JSON text"},
                {"a.joblib", "version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer"},
                {"a.joblib", "/annex/objects/SHA256E-s2--b3.joblib\n", "a git-annex pointer"},
                {"a.txt", "a\n<<<<<<< HEAD\nx\n=======\ny\n>>>>>>> c2f3\n", "merge conflict"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ck_assert_msg(!head_is_good(rows[i].path, rows[i].text, strlen(rows[i].text)), "%s", rows[i].text);
        ck_assert_int_eq(err.cls, ERR_SKIP);
        ck_assert_msg(strstr(err.text, rows[i].what) != NULL && text_starts_with(err.text, rows[i].path), "%s", err.text);
    }
    ck_assert(!HEAD("._a.joblib", "\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X"));
    ck_assert(!HEAD("old.joblib", "\x80\x02" "cjoblib.numpy_pickle\nNDArrayWrapper\nq\x01."));
}
END_TEST

START_TEST(what_may_be_one)
{
    ck_assert(HEAD("a.joblib", "some text that a test writes"));
    ck_assert(HEAD("a.json", "{\"booster\": 1}"));
    ck_assert(HEAD("a.pmml", "<?xml version=\"1.0\"?><PMML/>"));
    ck_assert(HEAD("a.model", "{\"learner\": {}}"));
    ck_assert(HEAD("a.joblib", "{ not json"));
    ck_assert(HEAD("a.joblib", "\x80\x04."));
    ck_assert(HEAD("a.joblib", "x"));
    ck_assert(HEAD("a.joblib", ""));
}
END_TEST

static bool is_whole(const char *path, const void *data, size_t len)
{
    char file[512];
    snprintf(file, sizeof file, "%s/x", unit_temp_dir());
    int fd = open(file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ck_assert(fd >= 0 && write(fd, data, len) == (ssize_t)len);
    err = (Err){0};
    bool ok = sound_tail(fd, path, data, len, len, &err);
    close(fd);
    ck_assert(ok || (err.cls == ERR_SKIP && strstr(err.text, "is cut short (") != NULL));
    return ok;
}

#define WHOLE(path, literal) is_whole((path), (literal), sizeof(literal) - 1)

START_TEST(what_is_cut_short)
{
    ck_assert(WHOLE("a", "\x80\x04" "abc."));
    ck_assert(!WHOLE("a", "\x80\x04" "abc"));
    ck_assert(WHOLE("a", "\x80\x20" "abc")); /* no protocol of pickle */
    ck_assert(WHOLE("a", "PK\3\4 members PK\5\6 and the end"));
    ck_assert(!WHOLE("a", "PK\3\4 members"));
    ck_assert(WHOLE("a", "\xfd\x37\x7a\x58\x5a\x00 blocks YZ\0\0\0\0"));
    ck_assert(!WHOLE("a", "\xfd\x37\x7a\x58\x5a\x00 blocks"));
    ck_assert(!WHOLE("a", "BZh91AY&SY and no end of it all"));
    ck_assert(WHOLE("a.safetensors", "\x1c\0\0\0\0\0\0\0{\"w\":{\"data_offsets\":[0,4]}}1234"));
    ck_assert(!WHOLE("a.safetensors", "\x1c\0\0\0\0\0\0\0{\"w\":{\"data_offsets\":[0,4]}}123"));
    ck_assert(!WHOLE("a.safetensors", "\x1c\0\0\0\0\0\0\0{\"w\":"));
    ck_assert(!WHOLE("a.safetensors", "\xff\xff\xff\xff\xff\xff\xff\xff"));
    unsigned char hdf5[96] = "\x89HDF\r\n\x1a\n";
    hdf5[13] = 8;
    hdf5[40] = 96;
    ck_assert(is_whole("a.h5", hdf5, 96));
    ck_assert(!is_whole("a.h5", hdf5, 95));
    hdf5[8] = 1; /* which has a field more before it */
    hdf5[40] = 0;
    hdf5[44] = 96;
    ck_assert(is_whole("a.h5", hdf5, 96));
    ck_assert(!is_whole("a.h5", hdf5, 95));
    unit_remove_temp();
}
END_TEST

/* pickle.load reads to STOP; what others write behind it is theirs. */
START_TEST(more_behind_a_pickle)
{
    ck_assert(WHOLE("a", "\x80\x04" "K\x01.\n"));
    ck_assert(WHOLE("a", "\x80\x04" "K\x01.\0\0\0"));
    ck_assert(WHOLE("a", "\x80\x04\x95\x05\0\0\0\0\0\0\0\x8c\x02." "a\x94.signature"));
    ck_assert(WHOLE("a", "\x80\x02" "cbuiltins\nlist\nq\x01)R.\x93NUMPY"));
    ck_assert(!WHOLE("a", "\x80\x04\x8c\x02." "a\x94"));          /* a dot in a text is no end */
    ck_assert(!WHOLE("a", "\x80\x04\x8d\xff\xff\xff\xff\xff\xff\xff\xff.a")); /* nor after more than there is */
    ck_assert(!WHOLE("a", "\x80\x04\xff.a"));
    ck_assert(!WHOLE("a", "\x80\x04\x8c\x13joblib.numpy_pickle\x94" "b.\0\0\1")); /* bytes of an array */
    ck_assert(!WHOLE("a", "\x80\x02" "cjoblib.numpy_pickle\nNumpyArrayWrapper\n.\0\1"));
    unit_remove_temp();
}
END_TEST

/* The end of a bzip2 file begins at any bit. */
START_TEST(ends_of_bzip2)
{
    char path[512], command[1100];
    unsigned char data[4096];
    for (int i = 1; i <= 24; i++) {
        snprintf(path, sizeof path, "%s/b", unit_temp_dir());
        snprintf(command, sizeof command, "/usr/bin/python3 -c \"import bz2,sys; open('%s','wb').write(bz2.compress(b'ab' * %d))\"", path, i * 7);
        ck_assert_int_eq(system(command), 0);
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t len = read(fd, data, sizeof data);
        close(fd);
        ck_assert_msg(is_whole("a", data, (size_t)len), "%d", i);
        ck_assert_msg(!is_whole("a", data, (size_t)len - 2), "%d", i);
    }
    unit_remove_temp();
}
END_TEST

START_TEST(streams)
{
    ck_assert_int_eq(sound_is_stream("\x1f\x8b\x08 and more than eighteen", 27), SOUND_GZIP);
    ck_assert_int_eq(sound_is_stream("\x78\x9c and more than eighteen", 27), SOUND_ZLIB);
    ck_assert_int_eq(sound_is_stream("\x78\x9c", 2), SOUND_NO_STREAM);
    ck_assert_int_eq(sound_is_stream("some words that are longer", 26), SOUND_NO_STREAM);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("source/sound");
    TCase *tc = tcase_create("sound");
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, what_is_no_model);
    tcase_add_test(tc, what_may_be_one);
    tcase_add_test(tc, what_is_cut_short);
    tcase_add_test(tc, more_behind_a_pickle);
    tcase_add_test(tc, ends_of_bzip2);
    tcase_add_test(tc, streams);
    suite_add_tcase(suite, tc);
    return unit_run(suite);
}
