/* fish.c: the completion of fish. */
#include <string.h>

#include "manual.h"
#include "rows.h"

static void print_complete(FILE *out, const char *rest)
{
    fprintf(out, "complete -c migrate_models_to_db%s", rest);
}

/* -n "__migrate_models_to_db_is run check"; `run` may be left out. */
static void print_condition(FILE *out, CommandBits bits)
{
    if (bits == CMD_ALL)
        return;
    fputs(" -n \"__migrate_models_to_db_is", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        if ((bits & CMD_BIT(i)) != 0)
            fprintf(out, " %s'%s'", i == COMMAND_RUN ? "'' " : "", commands[i].words);
    fputc('"', out);
}

static void print_text(FILE *out, const char *text)
{
    fputs(" -d '", out);
    rows_print_escaped(out, text, "'\\", "\\");
    fputs("'\n", out);
}

static void print_option(FILE *out, const OptionSpec *spec)
{
    char help[160];
    ValueKind kind = rows_value_kind(spec);
    print_complete(out, "");
    print_condition(out, rows_commands(spec));
    if (spec->letter != 0)
        fprintf(out, " -s %c", spec->letter);
    fprintf(out, " -l %s%s", spec->name, kind == VALUE_NONE ? "" : kind == VALUE_FILE ? " -r -F" : " -x");
    if (kind == VALUE_FOLDER)
        fputs(" -a '(__fish_complete_directories (commandline -ct))'", out);
    for (size_t i = 0; kind == VALUE_CHOICE && spec->choices[i] != NULL; i++)
        fprintf(out, "%s%s%s", i > 0 ? " " : " -a '", spec->choices[i], spec->choices[i + 1] == NULL ? "'" : "");
    print_text(out, rows_short_help(help, spec));
}

/* The words of commands, of the second word behind their first; then folders or files. */
static void print_command(FILE *out, unsigned index)
{
    const Command *command = &commands[index];
    int length;
    bool leads = rows_leads_group(index, &length), two = command->words[length] != '\0';
    if (leads) {
        print_complete(out, " -n \"__migrate_models_to_db_is ''\"");
        fprintf(out, " -f -a %.*s", length, command->words);
        print_text(out, two ? "several commands" : command->summary);
    }
    if (two) {
        print_complete(out, "");
        fprintf(out, " -n \"__migrate_models_to_db_is %.*s\" -f -a %s", length, command->words, command->words + length + 1);
        print_text(out, command->summary);
        return;
    }
    if (rows_takes_folder(command)) {
        print_complete(out, "");
        print_condition(out, CMD_BIT(index));
        fputs(" -f -a '(__fish_complete_directories (commandline -ct))'\n", out);
    }
}

void manual_fish(FILE *out)
{
    fputs("# fish completion for migrate_models_to_db, as `migrate_models_to_db --help-fish` prints it\n"
          "function __migrate_models_to_db_is\n"
          "    set -l command\n"
          "    for word in (commandline -opc)[2..]\n"
          "        switch \"$command $word\"\n"
          "            case ", out);
    rows_print_words(out, false, " ");
    fputs("\n                set command $word\n            case ", out);
    rows_print_words(out, true, " ");
    fputs("\n                set command \"$command $word\"\n        end\n    end\n    contains -- \"$command\" $argv\nend\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        print_command(out, i);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        print_option(out, spec);
}
