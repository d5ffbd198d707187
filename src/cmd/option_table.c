#include "option_table.h"

#include <stddef.h>
#include <string.h>

#include "store/store.h"

static const char *const backup_choices[] = {"full", "meta", "none", NULL};          /* BackupMode */
static const char *const change_choices[] = {"new-version", "skip", "fail", NULL}; /* OnChange */

#define KIB (INT64_C(1) << 10)
#define MIB (INT64_C(1) << 20)
#define GIB (INT64_C(1) << 30)
#define FIELD(name) offsetof(Options, name)

const OptionSpec option_table[] = {
    {.name = "dbname",
     .letter = 'd',
     .kind = OPTION_STRING,
     .offset = FIELD(dbname),
     .commands = CMD_ALL,
     .value_name = "URL",
     .secret = true,
     .no_environment = true,
     .help = "database: a libpq URI or conninfo string, postgres://, postgresql+psycopg2://; else MIGRATE_MODELS_DATABASE_URL, "
             "DATABASE_URL, "
             "or libpq's PGHOST, PGSERVICE, PGDATABASE …"},
    {.name = "jobs",
     .letter = 'j',
     .kind = OPTION_INT,
     .offset = FIELD(jobs),
     .commands = CMD_TREE,
     .value_name = "N",
     .default_text = "0",
     .min = 0,
     .max = 256,
     .help = "workers, each with its own connection; 0 = twice the CPUs, at most 16"},
    {.name = "dry-run",
     .letter = 'n',
     .kind = OPTION_FLAG,
     .offset = FIELD(dry_run),
     .commands = CMD_RUN,
     .help = "show the same plan and write nothing, not even state; works before the tables exist"},
    {.name = "upgrade",
     .kind = OPTION_FLAG,
     .offset = FIELD(upgrade),
     .commands = CMD_RUN,
     .help = "bring the schema to head first"},
    {.name = "quiet", .letter = 'q', .kind = OPTION_FLAG, .offset = FIELD(quiet), .commands = CMD_ALL, .help = "errors only"},
    {.name = "verbose",
     .letter = 'v',
     .kind = OPTION_COUNT,
     .offset = FIELD(verbose),
     .commands = CMD_ALL,
     .help = "a line for each model, and what is going on; twice for more"},
    {.name = "json", .kind = OPTION_FLAG, .offset = FIELD(json), .commands = CMD_ALL, .help = "JSON lines on standard output"},
    {.name = "state-dir",
     .kind = OPTION_STRING,
     .offset = FIELD(state_dir),
     .commands = CMD_STATE,
     .value_name = "DIR",
     .help = "lock, journal and backups; default $XDG_STATE_HOME/migrate_models_to_db, else ~/.local/state/migrate_models_to_db"},
    {.name = "backup",
     .kind = OPTION_CHOICE,
     .offset = FIELD(backup),
     .commands = CMD_RUN,
     .value_name = "full|meta|none",
     .default_text = "full",
     .choices = backup_choices,
     .help = "CSV copy of what is stored: with payloads, without, or none"},
    {.name = "backup-dir",
     .kind = OPTION_STRING,
     .offset = FIELD(backup_dir),
     .commands = CMD_RUN,
     .value_name = "DIR",
     .help = "where the backups go; default: backups/ in the state folder of the store"},
    {.name = "compress",
     .kind = OPTION_CODEC,
     .offset = FIELD(level),
     .commands = CMD_RUN,
     .value_name = "gzip[:LEVEL]|none",
     .default_text = "gzip",
     .help = "levels 1 to 3 are ISA-L's (fast), 4 to 9 zlib's; none serves readers that call pickle.loads"},
    {.name = "on-change",
     .kind = OPTION_CHOICE,
     .offset = FIELD(on_change),
     .commands = CMD_RUN,
     .value_name = "new-version|skip|fail",
     .default_text = "new-version",
     .choices = change_choices,
     .help = "when a file without a version in its name has new content"},
    {.name = "no-activate",
     .kind = OPTION_FLAG,
     .offset = FIELD(no_activate),
     .commands = CMD_RUN,
     .help = "store new rows with is_active = false"},
    {.name = "include",
     .kind = OPTION_LIST,
     .offset = FIELD(include),
     .commands = CMD_TREE,
     .value_name = "GLOB",
     .help = "only models whose path matches; may be repeated"},
    {.name = "exclude",
     .kind = OPTION_LIST,
     .offset = FIELD(exclude),
     .commands = CMD_TREE,
     .value_name = "GLOB",
     .help = "not these; wins over --include; may be repeated"},
    {.name = "pattern",
     .kind = OPTION_LIST,
     .offset = FIELD(pattern),
     .commands = CMD_TREE,
     .value_name = "GLOB",
     .default_text = "*.joblib",
     .help = "which files are models; may be repeated"},
    {.name = "dir-pattern",
     .kind = OPTION_LIST,
     .offset = FIELD(dir_pattern),
     .commands = CMD_TREE,
     .value_name = "GLOB",
     .default_text = "bertopic_model_*",
     .help = "which directories are models, besides those with a marker file; may be repeated"},
    {.name = "map",
     .kind = OPTION_STRING,
     .offset = FIELD(map),
     .commands = CMD_TREE,
     .value_name = "FILE.csv",
     .help = "names by hand: columns path (a glob), name, version, model_type, event; empty = inferred"},
    {.name = "follow-links",
     .letter = 'L',
     .kind = OPTION_FLAG,
     .offset = FIELD(follow_links),
     .commands = CMD_TREE,
     .help = "follow symbolic links that stay below MODELS_DIR"},
    {.name = "checksum",
     .kind = OPTION_FLAG,
     .offset = FIELD(checksum),
     .commands = CMD_RUN,
     .help = "read and hash every model, whatever size and time say"},
    {.name = "download",
     .kind = OPTION_FLAG,
     .offset = FIELD(download),
     .commands = CMD_CHECK,
     .help = "read every payload back, decode and hash it here too"},
    {.name = "sample",
     .kind = OPTION_STRING,
     .offset = FIELD(sample),
     .commands = CMD_CHECK,
     .value_name = "P%|N",
     .help = "prove only so many stored payloads, chosen at random; the tree is compared as a whole"},
    {.name = "one-way",
     .kind = OPTION_FLAG,
     .offset = FIELD(one_way),
     .commands = CMD_CHECK,
     .help = "what only the store has is no difference"},
    {.name = "report",
     .kind = OPTION_STRING,
     .offset = FIELD(report),
     .commands = CMD_CHECK | CMD_CLEANUP,
     .value_name = "FILE",
     .no_environment = true,
     .help = "write the report to a file too: .csv, .json or .html"},
    {.name = "plan",
     .kind = OPTION_STRING,
     .offset = FIELD(plan),
     .commands = CMD_CLEANUP,
     .value_name = "FILE.csv",
     .no_environment = true,
     .help = "write which sources may go, with the proof for each"},
    {.name = "apply",
     .kind = OPTION_STRING,
     .offset = FIELD(apply),
     .commands = CMD_CLEANUP,
     .value_name = "FILE.csv",
     .no_environment = true,
     .help = "prove each line of a plan again, and delete exactly those that pass"},
    {.name = "trash",
     .kind = OPTION_STRING,
     .offset = FIELD(trash),
     .commands = CMD_CLEANUP,
     .value_name = "DIR",
     .no_environment = true,
     .help = "with --apply: move there instead of deleting; must be on the same file system"},
    {.name = "yes",
     .kind = OPTION_FLAG,
     .offset = FIELD(yes),
     .commands = CMD_CLEANUP,
     .no_environment = true,
     .help = "with --apply: do not ask"},
    {.name = "force",
     .letter = 'f',
     .kind = OPTION_FLAG,
     .offset = FIELD(force),
     .commands = CMD_GET,
     .no_environment = true,
     .help = "replace what is at the destination; a directory only if all in it is part of the model"},
    {.name = "verify-stored",
     .kind = OPTION_FLAG,
     .offset = FIELD(verify_stored),
     .commands = CMD_RUN,
     .help = "decode each payload again before it is sent, and compare it with what was read"},
    {.name = "batch-rows",
     .kind = OPTION_INT,
     .offset = FIELD(batch_rows),
     .commands = CMD_RUN | CMD_RESTORE,
     .value_name = "N",
     .default_text = "1000",
     .min = 1,
     .max = 100000,
     .help = "a worker commits after so many models"},
    {.name = "batch-bytes",
     .kind = OPTION_BYTES,
     .offset = FIELD(batch_bytes),
     .commands = CMD_RUN | CMD_RESTORE,
     .value_name = "SIZE",
     .default_text = "32MiB",
     .min = 1,
     .max = 64 * GIB,
     .help = "or after so many stored bytes"},
    {.name = "max-memory",
     .kind = OPTION_BYTES,
     .offset = FIELD(max_memory),
     .commands = CMD_RUN | CMD_RESTORE,
     .value_name = "SIZE",
     .default_text = "192MiB",
     .min = 8 * MIB,
     .max = 1024 * GIB,
     .help = "for the payloads of all workers; larger ones go through a temporary file"},
    {.name = "inline-limit",
     .kind = OPTION_BYTES,
     .offset = FIELD(inline_limit),
     .commands = CMD_RUN,
     .value_name = "SIZE",
     .default_text = "256MiB",
     .min = 1 * KIB,
     .max = (int64_t)STORE_INLINE_MAX,
     .help = "payloads over it go to model_chunks in pieces"},
    {.name = "retries",
     .kind = OPTION_INT,
     .offset = FIELD(retries),
     .commands = CMD_ALL,
     .value_name = "N",
     .default_text = "8",
     .min = 0,
     .max = 1000,
     .help = "further tries in a row when the database is away, with growing pauses"},
    {.name = "wait",
     .kind = OPTION_SECONDS,
     .offset = FIELD(wait),
     .commands = CMD_ALL,
     .value_name = "TIME",
     .default_text = "0s",
     .min = 0,
     .max = 7 * 86400,
     .help = "go on trying for so long, even when the retries are used up"},
    {.name = "timeout",
     .kind = OPTION_SECONDS,
     .offset = FIELD(timeout),
     .commands = CMD_ALL,
     .value_name = "TIME",
     .default_text = "60s",
     .min = 1,
     .max = 86400,
     .help = "how long the store may stay silent"},
    {.name = "connect-timeout",
     .kind = OPTION_SECONDS,
     .offset = FIELD(connect_timeout),
     .commands = CMD_ALL,
     .value_name = "TIME",
     .default_text = "10s",
     .min = 1,
     .max = 3600,
     .help = "for one attempt to connect"},
    {.name = "lock-timeout",
     .kind = OPTION_SECONDS,
     .offset = FIELD(lock_timeout),
     .commands = CMD_ALL,
     .value_name = "TIME",
     .default_text = "30s",
     .min = 1,
     .max = 86400,
     .help = "how long to wait for a lock in the database"},
    {.name = "help",
     .letter = 'h',
     .kind = OPTION_FLAG,
     .offset = FIELD(help),
     .commands = CMD_ALL,
     .no_environment = true,
     .help = "this text"},
    {.name = "version",
     .letter = 'V',
     .kind = OPTION_FLAG,
     .offset = FIELD(version),
     .commands = CMD_ALL,
     .no_environment = true,
     .help = "the version of the program"},
    {.name = NULL},
};

/* The cursor is at `column`; text starts at `indent`. No blank ends a line. */
static void print_wrapped(FILE *out, const char *text, int column, int indent, int width)
{
    for (const char *word = text; *word != '\0';) {
        size_t len = strcspn(word, " ");
        if (column > indent && column + 1 + (int)len > width) {
            fputc('\n', out);
            column = 0;
        }
        int blanks = column < indent ? indent - column : column > indent ? 1 : 0;
        fprintf(out, "%*s%.*s", blanks, "", (int)len, word);
        column += blanks + (int)len;
        word += len + strspn(word + len, " ");
    }
    fputc('\n', out);
}

void options_print_help(FILE *out, unsigned command)
{
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        char head[80], help[512];
        if ((spec->commands & command) == 0)
            continue;
        snprintf(head, sizeof head, "%c%c%s --%s%s%s", spec->letter != 0 ? '-' : ' ', spec->letter != 0 ? spec->letter : ' ',
                 spec->letter != 0 ? "," : " ", spec->name, spec->value_name != NULL ? "=" : "",
                 spec->value_name != NULL ? spec->value_name : "");
        snprintf(help, sizeof help, "%s%s%s%s", spec->help, spec->default_text != NULL ? " (default " : "",
                 spec->default_text != NULL ? spec->default_text : "", spec->default_text != NULL ? ")" : "");
        bool alone = strlen(head) > 34;
        fprintf(out, "  %s%s", head, alone ? "\n" : "");
        print_wrapped(out, help, alone ? 0 : 2 + (int)strlen(head), 37, 110);
    }
}

/* The commands of an option, in the order of the bits. */
static void print_commands(FILE *out, unsigned bits)
{
    static const char *const names[] = {"run", "db", "check", "cleanup", "get", "restore"};
    const char *separator = "";
    if (bits == CMD_ALL) {
        fputs("all", out);
        return;
    }
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        if ((bits & 1u << i) == 0)
            continue;
        fprintf(out, "%s%s", separator, names[i]);
        separator = ", ";
    }
}

void options_print_markdown(FILE *out)
{
    fputs("| option | commands | default | meaning |\n|---|---|---|---|\n", out);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        fputs("| `", out);
        if (spec->letter != 0)
            fprintf(out, "-%c, ", spec->letter);
        fprintf(out, "--%s", spec->name);
        if (spec->value_name != NULL) {
            fputc(' ', out);
            for (const char *c = spec->value_name; *c != '\0'; c++)
                fprintf(out, "%s%c", *c == '|' ? "\\" : "", *c);
        }
        const char *quote = spec->default_text != NULL ? "`" : "";
        fputs("` | ", out);
        print_commands(out, spec->commands);
        fprintf(out, " | %s%s%s | %s |\n", quote, spec->default_text != NULL ? spec->default_text : "", quote, spec->help);
    }
}
