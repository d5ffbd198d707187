"""9: what a process writes after the removal of its file would be lost."""

from protection import P

TEST = "unit/source/test_removal:test_open_for_writing"

ROWS = [
    P("open-files-stay", 9, "src/source/removal_obstacle.c", "if (S_ISREG(st.stx_mode) && obstacle_is_written(dir, path))", "if (false)", TEST,
      "a trainer that goes on with its file"),
    P("open-files-get-their-name-back", 9, "src/source/removal.c", "else if (!is_directory && obstacle_is_written(removal.parent, removal.hidden))", "else if (false)",
      TEST, "opened between the question and the rename"),
    P("open-members-get-their-name-back", 9, "src/source/removal.c", ": obstacle_members_are_written(dir, &list) ?", ": false ?", TEST,
      "opened between the question and the rename"),
]
