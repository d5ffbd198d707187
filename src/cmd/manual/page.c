/* page.c: the manual page, in mdoc(7): what the tables say, and what they do not know. */
#include <ctype.h>
#include <string.h>

#include "manual.h"
#include "rows.h"

static const char head[] =
    ".Dd November 29, 2026\n"
    ".Dt MIGRATE_MODELS_TO_DB 1\n"
    ".Os\n"
    ".Sh NAME\n"
    ".Nm migrate_models_to_db\n"
    ".Nd move a folder of machine-learning models into a database, and back\n"
    ".Sh SYNOPSIS\n";

static const char description[] =
    ".Sh DESCRIPTION\n"
    ".Nm\n"
    "copies the models of a folder, files such as\n"
    ".Pa *.joblib\n"
    "and directories such as those of BERTopic, into a table of a database, in\n"
    "parallel and compressed, with a CSV backup and a journal.\n"
    "It can be run again at any time: only what is new is stored, and a source is\n"
    "never changed.\n"
    "Local files are deleted by\n"
    ".Cm cleanup --apply\n"
    "only, each after a full proof that the database has it.\n"
    ".Pp\n"
    "With no database named, the store is the file\n"
    ".Pa ./models.db .\n"
    ".Sh COMMANDS\n"
    ".Bl -tag -width Ds\n";

static const char environment[] =
    ".Sh ENVIRONMENT\n"
    "An option\n"
    ".Fl -foo-bar\n"
    "is also the variable\n"
    ".Ev MIGRATE_MODELS_FOO_BAR ,\n"
    "unless it says that it is only on the command line.\n"
    "The command line goes before the environment.\n"
    ".Pp\n"
    "To name the database,\n";

static const char files[] =
    ".Sh FILES\n"
    ".Bl -tag -width Ds\n"
    ".It Pa ~/.local/state/migrate_models_to_db\n"
    "The state folder, unless\n"
    ".Fl -state-dir ,\n"
    ".Ev STATE_DIRECTORY\n"
    "or\n"
    ".Ev XDG_STATE_HOME\n"
    "names another one: lock, journal and backups, in a folder for each store.\n"
    ".El\n"
    ".Sh EXIT STATUS\n"
    ".Bl -tag -width Ds -compact\n"
    ".It 0\n"
    "Done, or nothing to do.\n"
    ".It 1\n"
    "An error.\n"
    ".It 2\n"
    "The command line or the environment is wrong.\n"
    ".It 3\n"
    "Finished, but some models failed or are in conflict; each is named.\n"
    ".It 4\n"
    ".Cm check :\n"
    "tree and database differ.\n"
    ".It 5\n"
    "The database stayed out of reach, after all retries.\n"
    ".It 10\n"
    "The schema is missing or not at head:\n"
    ".Cm db upgrade .\n"
    ".It 11\n"
    "Another run holds the lock.\n"
    ".It 128+N\n"
    "Ended by signal N; the same command goes on where it stopped.\n"
    ".El\n";

static const char tail[] =
    ".Sh SEE ALSO\n"
    "The pages that are installed with the program, beginning with\n"
    ".Pa README.md\n"
    "and\n"
    ".Pa docs/first-steps.md .\n";

/* A word as roff prints it: no request at the begin of a line, no escape, ASCII only. */
static void print_word(FILE *out, const char *word, size_t length, bool begins_line)
{
    if (begins_line && (word[0] == '.' || word[0] == '\''))
        fputs("\\&", out);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)word[i];
        if (c == '\\')
            fputs("\\e", out);
        else if (c < 0x80)
            fputc(c, out);
        else if (c >= 0xC0) {
            unsigned code = c >= 0xF0 ? c & 7U : c >= 0xE0 ? c & 15U : c & 31U;
            while (i + 1 < length && ((unsigned char)word[i + 1] & 0xC0) == 0x80)
                code = code << 6 | ((unsigned char)word[++i] & 0x3FU);
            fprintf(out, "\\[u%04X]", code);
        }
    }
}

/* Lines of 76 columns; a sentence begins a line of its own, as mdoc wants it. */
static void print_text(FILE *out, const char *text)
{
    size_t column = 0;
    for (const char *word = text; *word != '\0';) {
        size_t length = strcspn(word, " ");
        bool ends = length > 1 && word[length - 1] == '.';
        if (column > 0) {
            bool breaks = column + 1 + length > 76;
            fputc(breaks ? '\n' : ' ', out);
            column = breaks ? 0 : column + 1;
        }
        print_word(out, word, length, column == 0);
        column += length;
        word += length + strspn(word + length, " ");
        if (ends && *word != '\0') {
            fputc('\n', out);
            column = 0;
        }
    }
    fputc('\n', out);
}

/* A sentence: with a capital letter and a full stop. */
static void print_sentence(FILE *out, const char *text)
{
    char line[1024];
    size_t length = (size_t)snprintf(line, sizeof line - 1, "%s", text);
    if (length == 0 || length >= sizeof line - 1)
        return;
    if (islower((unsigned char)line[0]))
        line[0] = (char)toupper((unsigned char)line[0]);
    if (line[length - 1] != '.')
        memcpy(line + length, ".", 2);
    print_text(out, line);
}

static void print_commands(FILE *out)
{
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        fprintf(out, ".It Cm %s", commands[i].words);
        if (commands[i].arguments[0] != '\0') {
            fputs(" Ar ", out);
            rows_print_escaped(out, commands[i].arguments, "", "");
        }
        fputc('\n', out);
        print_sentence(out, commands[i].summary);
    }
    fputs(".El\n", out);
}

static void print_option(FILE *out, const OptionSpec *spec)
{
    char names[COMMANDS_NAMES_SIZE], text[COMMANDS_NAMES_SIZE + 64];
    fputs(".It ", out);
    if (spec->letter != 0)
        fprintf(out, "Fl %c , ", spec->letter);
    const char *value = spec->value_name;
    fprintf(out, "Fl -%s%s%s\n", spec->name, value != NULL ? " Ns = Ns Ar " : "", value != NULL ? value : "");
    print_sentence(out, spec->help);
    if (spec->default_text != NULL) {
        snprintf(text, sizeof text, "Default: %s.", spec->default_text);
        print_text(out, text);
    }
    if (spec->commands != CMD_ALL) {
        snprintf(text, sizeof text, "For %s.", commands_names(names, spec->commands));
        print_text(out, text);
    }
    if (spec->no_environment)
        print_text(out, "Only on the command line.");
}

static void print_examples(FILE *out)
{
    fputs(".Sh EXAMPLES\n.Bd -literal\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        for (size_t k = 0; k < 2; k++)
            if (commands[i].examples[k] != NULL) {
                fputs("migrate_models_to_db ", out);
                print_word(out, commands[i].examples[k], strlen(commands[i].examples[k]), false);
                fputc('\n', out);
            }
    fputs(".Ed\n", out);
}

void manual_page(FILE *out)
{
    char text[512];
    fputs(head, out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        fprintf(out, ".Nm\n.Cm %s\n.Op Ar OPTIONS\n%s%s%s", commands[i].words, commands[i].arguments[0] != '\0' ? ".Ar " : "",
                commands[i].arguments, commands[i].arguments[0] != '\0' ? "\n" : "");
    fputs(description, out);
    print_commands(out);
    fputs(".Sh OPTIONS\n.Bl -tag -width Ds\n", out);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        print_option(out, spec);
    fputs(".El\n", out);
    fputs(environment, out);
    snprintf(text, sizeof text, "%s.", database_ways);
    print_text(out, text);
    snprintf(text, sizeof text, "A password is best in %s.", password_ways);
    print_text(out, text);
    fputs(files, out);
    print_examples(out);
    fputs(tail, out);
}
