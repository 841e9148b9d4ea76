"""The one table of diagnostic codes: number, severity, title.

Numbers are grouped by phase and never change their meaning. Error: the service or its SDK refuses it, drops
it silently, or it cannot mean anything. Warning: it works and is probably not meant. Note: worth knowing.
"""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Severity(Enum):
    ERROR = "error"
    WARNING = "warning"
    NOTE = "note"


class Code(NamedTuple):
    code: str
    severity: Severity
    title: str


def _table(text: str) -> dict[str, Code]:
    letters = {"E": Severity.ERROR, "W": Severity.WARNING, "N": Severity.NOTE}
    rows = (line.split(None, 2) for line in text.strip().splitlines() if line.strip())
    return {code: Code(code, letters[letter], title) for code, letter, title in rows}


CODES: dict[str, Code] = _table(
    """
    P0101 E YAML cannot be parsed
    P0102 E a key stands twice
    P0103 E a tab where YAML wants spaces
    P0104 E too deep, too large or too often repeated
    P0105 E a YAML tag
    P0106 E an alias without its anchor, or within it
    P0107 E a key that is not a string
    P0108 E more than one document
    P0109 E an empty file
    P0110 E not a text file
    P0111 E a number with a leading zero
    P0112 E an expression that needs quotes
    P0113 E a binding that needs quotes
    P0120 W a word that YAML 1.1 reads as a boolean
    P0121 W an anchor that nothing uses
    P0123 W a value that Azure's loader reads differently
    P0124 W a comment that cuts a value
    P0130 E a file that cannot be read

    P0201 E an unknown key
    P0202 E a missing key
    P0203 E a value of the wrong type
    P0204 E a value that is not one of those allowed
    P0205 E a number out of range
    P0206 E a text of the wrong form
    P0207 E keys that exclude each other
    P0208 E not a pipeline
    P0209 E nothing where something is needed

    P0301 E an expression that cannot be parsed
    P0302 E an unknown name in an expression
    P0303 E an expression that cannot be evaluated
    P0304 E a run-time name in a compile-time expression
    P0305 E a compile-time name in a run-time binding
    P0306 E a binding that cannot be parsed
    P0307 E an operation that expressions do not have
    P0308 E a list or map inside text
    P0309 E params that need each other
    P0310 E a param without a value
    P0311 E a param's value that its declaration refuses
    P0312 E an unknown param
    P0313 E an unknown profile
    P0314 E a profile's key that meets nothing
    P0315 E a foreach over something else than a list or a map
    P0316 E two instances of one name
    P0317 E a when that is not a boolean
    P0318 E an expression where none may stand
    P0319 E an include that cannot be merged

    P0401 E an unknown step
    P0402 E an unknown output of a step
    P0403 E an unknown input of the pipeline
    P0404 E an input that the component does not declare
    P0405 E an output that the component does not declare
    P0406 E an unknown environment
    P0407 E an unknown compute target
    P0408 E a component file that is not there
    P0409 E a component file that cannot be used
    P0410 E a step that `when` left out
    P0411 E unknown data
    P0412 E a command that refers to an undeclared input
    P0413 E a command that refers to an undeclared output
    P0414 E a binding where none may stand
    P0415 E an Azure ML binding in a spec
    P0416 E a name that Azure ML refuses
    P0417 E a component that contains itself
    P0418 W a path outside the project
    P0419 E a link that leaves the project
    P0421 E a code folder that cannot be used
    P0422 E an unknown output of the pipeline
    P0423 E an instance that foreach did not make

    P0501 E a required input without a value
    P0502 E a port bound to a port of another type
    P0503 E a literal of the wrong type
    P0504 E a literal outside its enum
    P0505 E a literal out of its range
    P0506 E an optional input outside $[[ ]]
    P0507 E a required input inside $[[ ]]
    P0508 W a port that is fed another kind of data
    P0509 E a step without an environment
    P0510 E a mode that does not fit
    P0511 E a default that its own declaration refuses
    P0512 W a boolean written as text
    P0513 E a step without a compute target

    P0601 E steps that wait for each other
    P0602 E two sources for one output
    P0603 E an output below a watched path
    P0604 E a fan-in from nothing
    P0605 E an order that cannot be expressed
    P0606 E a pipeline without steps

    P0701 E a sampling that its search space does not allow
    P0702 E a search space for something that is no input
    P0703 E bounds out of order
    P0704 E a value out of its documented range
    P0705 E an early-termination policy that contradicts itself
    P0706 E a binding inside a search space
    P0707 E a sweep over something that is no command
    P0708 W a setting of the sampling that the service ignores
    P0709 W a limit left to a default that is documented twice
    P0710 E an input both fixed and swept
    P0711 W fewer trials than the sampling needs
    P0712 E a choice without values
    P0713 E early termination with Bayesian sampling
    P0714 E a sampling rule that the service refuses

    P0801 E a setting that Azure ML drops
    P0802 E a construct that cannot be compiled yet
    P0803 E a schedule that Azure ML cannot keep
    P0804 E a timeout that Azure ML rounds up
    P0805 W a setting whose default is documented twice
    P0806 N a setting that is ignored here
    P0810 E an output folder that cannot be written

    P0901 W something declared that nothing uses
    P0902 W an output that its command never mentions
    P0903 W two inputs of one asset
    P0904 W a binding outside quotes
    P0905 E a binding outside quotes whose value splits
    P0906 W an asset without a version
    P0907 W an input that its command never mentions
    P0910 E a secret written out

    P1001 E a step that cannot run here
    P1002 E data that is not on this machine
    P1003 N a policy that is not applied here
    P1004 E an input that the pipeline does not have
    P1005 E a step that failed
    P1006 E a run that cannot start
    """
)
