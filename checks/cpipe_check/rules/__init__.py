"""The rules. Adding one takes a new file here and its line in `RULES`, in the order of the codes."""

from cpipe_check.rules import (
    component_not_registered,
    init_signature,
    no_call,
    no_grad_missing,
    no_pipeline_class,
    not_utf8,
    register_modules_missing,
    registered_not_a_parameter,
    relative_import,
    several_pipeline_classes,
    super_init_missing,
    super_init_misspelt,
    syntax_error,
    used_before_registered,
)
from cpipe_check.rules.base import Rule

RULES: tuple[Rule, ...] = (
    not_utf8.RULE,
    syntax_error.RULE,
    no_pipeline_class.RULE,
    several_pipeline_classes.RULE,
    relative_import.RULE,
    super_init_missing.RULE,
    super_init_misspelt.RULE,
    register_modules_missing.RULE,
    component_not_registered.RULE,
    registered_not_a_parameter.RULE,
    used_before_registered.RULE,
    init_signature.RULE,
    no_call.RULE,
    no_grad_missing.RULE,
)

__all__ = ["RULES", "Rule"]
