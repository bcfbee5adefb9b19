"""What an experiment's network, compile and fit mean for its data: all checks in one."""

from models.errors import Invalid, Issue
from models.facts import DataFacts
from models.fit_meaning import fit_issues
from models.network_meaning import Resolved, resolve_network
from models.specs.compile import CompileSpec
from models.specs.fit import FitSpec
from models.specs.network import NetworkSpec


def resolve(
    network: NetworkSpec,
    compiled: CompileSpec,
    fit: FitSpec,
    facts: DataFacts,
    *,
    network_pointer: str = "/network",
    compile_pointer: str = "/compile",
    fit_pointer: str = "/fit",
) -> Resolved:
    """Complete one training's network and loss, and check all of it against the data.

    The pointers say where in the request body each part is, for a part that a search brings.

    Raises:
        Invalid: with everything that is wrong, in network, compile and fit.
    """
    wrong: list[Issue] = []
    resolved = None
    try:
        resolved = resolve_network(
            network,
            compiled,
            facts,
            network_pointer=network_pointer,
            compile_pointer=compile_pointer,
        )
    except Invalid as refused:
        wrong += refused.issues
    wrong += fit_issues(fit, compiled, facts, fit_pointer)
    if resolved is None or wrong:
        raise Invalid(wrong)
    return resolved
