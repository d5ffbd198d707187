"""9: a directory goes as a whole or not at all: everything is asked before the first rename."""

from protection import P

ROWS = [
    P("obstacles-in-the-plan", 9, "src/flow/audit/audit.c", "(!settings->for_removal || audit_look_at_removable(&audit, tree, err));", "true;",
      "cli/test_obstacles.AnotherUser.test_folder_inside_that_cannot_be_written", "the plan says what cannot go"),
    P("obstacles-before-the-rename", 9, "src/source/removal.c", "else if (has_obstacle(&removal, why))", "else if (removal.parent < 0)",
      "unit/source/test_removal:test_obstacles", "asked again at the last moment"),
    P("obstacle-unwritable", 9, "src/source/removal_obstacle.c", 'W_OK | X_OK, AT_EACCESS) != 0)', 'W_OK | X_OK, AT_EACCESS) > 0)',
      "cli/test_obstacles.AnotherUser.test_folder_inside_that_cannot_be_written", "a folder that cannot be written"),
    P("obstacle-sticky", 9, "src/source/removal_obstacle.c", "if (folder->is_sticky && st.stx_uid != geteuid())", "if (false)",
      "cli/test_obstacles.AnotherUser.test_sticky_folder_of_another_user", "another user's file in a sticky folder"),
    P("obstacle-mount", 9, "src/source/removal_obstacle.c", "if (mount_of(&st) != folder->mount)", "if (false)",
      "unit/source/test_removal:test_obstacles", "what is elsewhere must not go through a mount"),
    P("obstacle-flags", 9, "src/source/removal_obstacle.c", 'return immutable ? "is immutable (chattr +i)" :', 'return',
      "unit/source/test_removal:test_obstacles", "chattr"),
    P("rest-gets-its-place-back", 9, "src/source/removal.c", "if (!rename_new(removal->parent, removal->hidden, removal->parent, removal->base)) return err_set_errno(err, ERR_STOP, errno,",
      "if (true) return err_set_errno(err, ERR_STOP, errno,",
      "unit/source/test_removal:test_member_that_comes_while_the_directory_goes", "what came at the last moment is at its place"),
    P("rename-without-flags", 9, "src/source/rename_new.c", "return why == EINVAL || why == ENOSYS || why == EOPNOTSUPP;", "return why == ENOSYS;",
      "unit/source/test_removal:test_rename_without_flags", "NFS knows no RENAME_NOREPLACE"),
    P("losses-are-told", 9, "src/flow/audit/removable.c", "ok = loss_describe(tree->root, model, &loss, err) &&", "ok =",
      "cli/test_obstacles.Losses.test_what_get_does_not_bring_back_is_told", "modes and attributes that nobody gets back"),
]
