/* zsh.c: the completion of zsh, by its _arguments. */
#include <string.h>

#include "manual.h"
#include "rows.h"

/* [[ $command == (''|run|'db upgrade') ]] */
static void print_condition(FILE *out, CommandBits bits)
{
    if (bits == CMD_ALL)
        return;
    fputs("[[ $command == (", out);
    const char *between = "";
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        if ((bits & CMD_BIT(i)) == 0)
            continue;
        fprintf(out, "%s%s'%s'", between, i == COMMAND_RUN ? "''|" : "", commands[i].words);
        between = "|";
    }
    fputs(") ]] && ", out);
}

static void print_value(FILE *out, const OptionSpec *spec)
{
    ValueKind kind = rows_value_kind(spec);
    if (kind == VALUE_NONE)
        return;
    fputc(':', out);
    rows_print_escaped(out, spec->value_name, ":[]'", "\\");
    fputs(kind == VALUE_FOLDER ? ":_directories" : kind == VALUE_FILE ? ":_files" : kind == VALUE_TEXT ? ": " : ":(", out);
    for (size_t i = 0; kind == VALUE_CHOICE && spec->choices[i] != NULL; i++)
        fprintf(out, "%s%s", i > 0 ? " " : "", spec->choices[i]);
    fputs(kind == VALUE_CHOICE ? ")" : "", out);
}

/* '(-q --quiet)'{-q,--quiet}'[errors only]'; an option that may be repeated begins with * */
static void print_option(FILE *out, const OptionSpec *spec)
{
    char help[160];
    bool many = spec->kind == OPTION_LIST || spec->kind == OPTION_COUNT, value = rows_value_kind(spec) != VALUE_NONE;
    fputs("    ", out);
    print_condition(out, rows_commands(spec));
    fputs("options+=(", out);
    if (many)
        fputs("'*'", out);
    else if (spec->letter != 0)
        fprintf(out, "'(-%c --%s)'", spec->letter, spec->name);
    if (spec->letter != 0)
        fprintf(out, "{-%c%s,--%s%s}'[", spec->letter, value ? "+" : "", spec->name, value ? "=" : "");
    else
        fprintf(out, "'--%s%s''[", spec->name, value ? "=" : "");
    for (const char *c = rows_short_help(help, spec); *c != '\0'; c++)
        fprintf(out, "%s%c", *c == '\'' ? "'\\'" : strchr(":[]", *c) != NULL ? "\\" : "", *c);
    fputc(']', out);
    print_value(out, spec);
    fputs("')\n", out);
}

static void print_arguments(FILE *out)
{
    fputs("_migrate_models_to_db_arguments() {\n    case $command in\n    ('') compadd --", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        int length;
        if (rows_leads_group(i, &length))
            fprintf(out, " %.*s", length, commands[i].words);
    }
    fputs("; _directories ;;\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        int length;
        bool two = rows_leads_group(i, &length) && commands[i].words[length] != '\0';
        if (two)
            fprintf(out, "    (%.*s) compadd --", length, commands[i].words);
        for (unsigned k = i; two && k < COMMAND_COUNT; k++)
            if (strncmp(commands[k].words, commands[i].words, (size_t)length + 1) == 0)
                fprintf(out, " %s", commands[k].words + length + 1);
        fputs(two ? " ;;\n" : "", out);
        if (rows_takes_folder(&commands[i]))
            fprintf(out, "    (%s) _directories ;;\n", commands[i].words);
    }
    fputs("    (*) _files ;;\n    esac\n}\n", out);
}

void manual_zsh(FILE *out)
{
    fputs("#compdef migrate_models_to_db\n"
          "# zsh completion for migrate_models_to_db, as `migrate_models_to_db --help-zsh` prints it\n", out);
    print_arguments(out);
    fputs("_migrate_models_to_db() {\n"
          "    local command='' word\n"
          "    local -a options\n"
          "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n"
          "        case \"$command $word\" in\n"
          "        (", out);
    rows_print_words(out, false, "|");
    fputs(") command=$word ;;\n        (", out);
    rows_print_words(out, true, "|");
    fputs(") command=\"$command $word\" ;;\n        esac\n    done\n", out);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++)
        print_option(out, spec);
    fputs("    _arguments -s -S $options '*: :_migrate_models_to_db_arguments'\n}\n_migrate_models_to_db \"$@\"\n", out);
}
