"""Callers' mistakes as problem documents: what is wrong, with every field at once, and the cure; never a value."""

from fastapi import FastAPI, Request, Response

from carewire_orchestrator.errors import (
    AlreadyThere,
    ChangedMeanwhile,
    EnrolledAlready,
    Gone,
    IdentifiersTaken,
    InvalidValues,
    NotAllowedNow,
    NotFound,
    NotPublishable,
    OrchestratorError,
)
from carewire_runtime.http.problem import Problem


def answer_mistakes(app: FastAPI) -> None:
    """Have the app answer our errors; all others are answered by the runtime."""
    app.add_exception_handler(OrchestratorError, _on_mistake)


async def _on_mistake(_: Request, error: Exception) -> Response:
    return _problem(error).response()


def _problem(error: Exception) -> Problem:
    match error:
        case NotFound():
            return Problem(404, "Not found", str(error))
        case EnrolledAlready():
            return Problem(409, "Enrolled already", str(error), code=error.code, care_flow_id=error.care_flow_id)
        case Gone():
            return Problem(410, "Deleted", str(error), code=error.code)
        case NotAllowedNow():
            return Problem(409, "Not possible now", str(error), code=error.code)
        case ChangedMeanwhile():
            return Problem(412, "Changed meanwhile", str(error))
        case AlreadyThere():
            return Problem(409, "Already there", str(error), errors=[{"field": error.field, "message": str(error)}])
        case IdentifiersTaken():
            taken = [{"field": field, "message": "another patient has this identifier"} for field in error.fields]
            code, owners = "identity_conflict", list(error.owners)
            return Problem(409, "Identity conflict", str(error), code=code, errors=taken, patient_ids=owners)
        case InvalidValues():
            wrong = [{"field": problem.field, "message": problem.message} for problem in error.problems]
            return Problem(422, "Invalid values", str(error), errors=wrong)
        case NotPublishable():
            found = [
                {
                    "code": problem.code.value,
                    "severity": problem.severity,
                    "node_id": problem.node_id,
                    "message": problem.message,
                }
                for problem in error.problems
            ]
            return Problem(422, "Not publishable", str(error), problems=found)
        case _:
            return Problem(500, "Internal error", "the fault is ours and was logged")
