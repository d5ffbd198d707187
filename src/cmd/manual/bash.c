/* bash.c: the completion of bash. It needs nothing but bash: the package bash-completion only loads it. */
#include <string.h>

#include "manual.h"
#include "rows.h"

static void print_names(FILE *out, const OptionSpec *spec, const char *separator)
{
    if (spec->letter != 0)
        fprintf(out, "-%c%s", spec->letter, separator);
    fprintf(out, "--%s", spec->name);
}

/* A clause for each option with a value that can be completed; one for all the others with a value. */
static void print_values(FILE *out)
{
    const char *between = "";
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        ValueKind kind = rows_value_kind(spec);
        if (kind == VALUE_NONE || kind == VALUE_TEXT)
            continue;
        fputs("    ", out);
        print_names(out, spec, "|");
        fprintf(out, ") _migrate_models_to_db_%s", kind == VALUE_CHOICE ? "words '" : kind == VALUE_FOLDER ? "folders" : "files");
        for (size_t i = 0; kind == VALUE_CHOICE && spec->choices[i] != NULL; i++)
            fprintf(out, "%s%s", i > 0 ? " " : "", spec->choices[i]);
        fputs(kind == VALUE_CHOICE ? "'; return ;;\n" : "; return ;;\n", out);
    }
    fputs("    ", out);
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        if (rows_value_kind(spec) != VALUE_TEXT)
            continue;
        fputs(between, out);
        print_names(out, spec, "|");
        between = "|";
    }
    fputs(") return ;;\n", out);
}

static void print_options(FILE *out, unsigned index)
{
    fprintf(out, "        %s'%s') _migrate_models_to_db_words '", index == COMMAND_RUN ? "''|" : "", commands[index].words);
    const char *between = "";
    for (const OptionSpec *spec = option_table; spec->name != NULL; spec++) {
        if ((rows_commands(spec) & CMD_BIT(index)) == 0)
            continue;
        fprintf(out, "%s--%s", between, spec->name);
        between = " ";
    }
    fputs("' ;;\n", out);
}

/* What is no option: the words of a group, folders, files; at the beginning a command, or the folder of `run`. */
static void print_arguments(FILE *out)
{
    fputs("    case $command in\n    '') _migrate_models_to_db_words '", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        int length;
        if (rows_leads_group(i, &length))
            fprintf(out, "%s%.*s", i > 0 ? " " : "", length, commands[i].words);
    }
    fputs("'; _migrate_models_to_db_folders ;;\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++) {
        int length;
        bool two = rows_leads_group(i, &length) && commands[i].words[length] != '\0';
        if (two)
            fprintf(out, "    %.*s) _migrate_models_to_db_words '", length, commands[i].words);
        for (unsigned k = i; two && k < COMMAND_COUNT; k++)
            if (strncmp(commands[k].words, commands[i].words, (size_t)length + 1) == 0)
                fprintf(out, "%s%s", k > i ? " " : "", commands[k].words + length + 1);
        fputs(two ? "' ;;\n" : "", out);
        if (rows_takes_folder(&commands[i]))
            fprintf(out, "    %s) _migrate_models_to_db_folders ;;\n", commands[i].words);
    }
    fputs("    *) _migrate_models_to_db_files ;;\n    esac\n", out);
}

void manual_bash(FILE *out)
{
    fputs("# bash completion for migrate_models_to_db, as `migrate_models_to_db --help-bash` prints it\n"
          "_migrate_models_to_db_add() { mapfile -t -O \"${#COMPREPLY[@]}\" COMPREPLY < <(compgen \"$@\" -- \"$current\"); }\n"
          "_migrate_models_to_db_words() { _migrate_models_to_db_add -W \"$1\"; }\n"
          "_migrate_models_to_db_folders() { compopt -o filenames 2>/dev/null; _migrate_models_to_db_add -d; }\n"
          "_migrate_models_to_db_files() { compopt -o filenames 2>/dev/null; _migrate_models_to_db_add -f; }\n"
          "_migrate_models_to_db()\n{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD-1]} command='' i\n"
          "    COMPREPLY=()\n"
          "    if [[ $current == = ]]; then current=''; elif [[ $option == = ]]; then option=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    for ((i = 1; i < COMP_CWORD; i++)); do\n"
          "        case \"$command ${COMP_WORDS[i]}\" in\n        ", out);
    rows_print_words(out, false, "|");
    fputs(") command=${COMP_WORDS[i]} ;;\n        ", out);
    rows_print_words(out, true, "|");
    fputs(") command=\"$command ${COMP_WORDS[i]}\" ;;\n        esac\n    done\n    case $option in\n", out);
    print_values(out);
    fputs("    esac\n    if [[ $current == -* ]]; then\n        case $command in\n", out);
    for (unsigned i = 0; i < COMMAND_COUNT; i++)
        print_options(out, i);
    fputs("        esac\n        return\n    fi\n", out);
    print_arguments(out);
    fputs("}\ncomplete -F _migrate_models_to_db migrate_models_to_db\n", out);
}
