/* Runs a fuzz target over stored inputs: the files named, and the files in the directories named. */
#include <dirent.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "fuzz.h"

#define INPUT_MAX ((uint64_t)64 * 1024 * 1024)

static int run_file(const char *path)
{
    Err err = {0};
    Buf input = {0};
    if (!fs_read_file(path, INPUT_MAX, &input, &err)) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    /* A copy of the exact size lets the address sanitizer see a read behind the end. */
    uint8_t *exact = malloc(input.len + (input.len == 0));
    fuzz_assert(exact != NULL);
    if (input.len > 0)
        memcpy(exact, input.data, input.len);
    LLVMFuzzerTestOneInput(exact, input.len);
    free(exact);
    buf_free(&input);
    return 1;
}

/* How many inputs were run; -1 when one could not be read. */
static int run_directory(const char *path)
{
    int count = 0;
    DIR *dir = opendir(path);
    for (struct dirent *entry; dir != NULL && count >= 0 && (entry = readdir(dir)) != NULL;) {
        if (entry->d_name[0] == '.')
            continue;
        char *file = fs_join(path, entry->d_name);
        fuzz_assert(file != NULL);
        count = run_file(file) < 0 ? -1 : count + 1;
        free(file);
    }
    if (dir == NULL) {
        perror(path);
        return -1;
    }
    closedir(dir);
    return count;
}

int main(int argc, char **argv)
{
    int total = 0;
    for (int i = 1; i < argc; i++) {
        struct stat st;
        int count = stat(argv[i], &st) == 0 && S_ISDIR(st.st_mode) ? run_directory(argv[i]) : run_file(argv[i]);
        if (count < 0)
            return EXIT_FAILURE;
        total += count;
    }
    printf("%s: %d inputs\n", argv[0], total);
    return total > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
