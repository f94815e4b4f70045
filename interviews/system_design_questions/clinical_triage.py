"""The numbers of a triage assistant: patients missed, sent up, redacted, reviewed."""

import math

NUMBERS = {
    "calls_per_day": "calls/day",
    "urgent": "patients/day",
    "missed": "patients/day",
    "sent_up": "patients/day",
    "precision": "%",
    "negative_value": "%",
    "nurse_hours": "hours/day",
    "nurses": "people",
    "leaks": "items/day",
    "leaks_late": "items/day",
    "charts": "patients",
    "urgent_needed": "patients",
    "peak_streams": "calls",
    "gpus": "GPUs",
    "kept": "TB",
}


def calls_per_day(calls: float) -> float:
    """Calls on one day; ``calls`` in a year."""
    return calls / 365


def urgent(calls: float, base_rate: float) -> float:
    """Patients on one day who need care at once; ``base_rate`` in percent."""
    return calls_per_day(calls) * base_rate / 100


def missed(calls: float, base_rate: float, sensitivity: float) -> float:
    """Urgent patients on one day whom the assistant does not send up."""
    return urgent(calls, base_rate) * (1 - sensitivity / 100)


def sent_up(
    calls: float, base_rate: float, sensitivity: float, specificity: float
) -> float:
    """Patients on one day whom it sends up, urgent or not; shares in percent."""
    sick = urgent(calls, base_rate)
    well = calls_per_day(calls) - sick
    return sick * sensitivity / 100 + well * (1 - specificity / 100)


def precision(base_rate: float, sensitivity: float, specificity: float) -> float:
    """Percent of those sent up who are urgent, by Bayes."""
    right = base_rate * sensitivity
    return 100 * right / (right + (100 - base_rate) * (100 - specificity))


def negative_value(base_rate: float, sensitivity: float, specificity: float) -> float:
    """Percent of those not sent up who are indeed not urgent, by Bayes."""
    right = (100 - base_rate) * specificity
    return 100 * right / (right + base_rate * (100 - sensitivity))


def nurse_hours(calls: float, nurse_minutes: float) -> float:
    """Hours on one day if a nurse looks at each call."""
    return calls_per_day(calls) * nurse_minutes / 60


def nurses(calls: float, nurse_minutes: float, shift_hours: float) -> float:
    """Nurses on shift on one day if each call is looked at."""
    return nurse_hours(calls, nurse_minutes) / shift_hours


def leaks(calls: float, identifiers: float, redaction: float) -> float:
    """Identifiers on one day that redaction overlooks; ``redaction`` in percent."""
    return calls_per_day(calls) * identifiers * (1 - redaction / 100)


def leaks_late(
    calls: float, identifiers: float, redaction: float, second: float
) -> float:
    """Those that a second, independent pass overlooks as well."""
    return leaks(calls, identifiers, redaction) * (1 - second / 100)


def urgent_needed(sensitivity: float, margin: float) -> float:
    """Urgent patients that place the sensitivity within ``margin`` percent, at 95 %.

    The normal approximation: 1.96^2 p (1 - p) / margin^2.
    """
    share = sensitivity / 100
    return math.pow(1.96 / (margin / 100), 2) * share * (1 - share)


def charts(base_rate: float, sensitivity: float, margin: float) -> float:
    """Patients of all kinds among whom so many urgent ones are found."""
    return urgent_needed(sensitivity, margin) / (base_rate / 100)


def peak_streams(calls: float, peak_factor: float, call_minutes: float) -> float:
    """Calls at the same time in the busiest hour: Little's law."""
    return calls_per_day(calls) / (24 * 60) * peak_factor * call_minutes


def gpus(
    calls: float, peak_factor: float, call_minutes: float, streams_per_gpu: float
) -> float:
    """Accelerators for these calls, one spare beside them."""
    streams = peak_streams(calls, peak_factor, call_minutes)
    return math.ceil(streams / streams_per_gpu) + 1


def kept(
    calls: float, call_minutes: float, audio_rate: float, retention: float
) -> float:
    """Terabytes of recorded calls; ``audio_rate`` in kbit/s, ``retention`` in years."""
    seconds = calls * retention * call_minutes * 60
    return seconds * audio_rate * 1000 / 8 / 1e12
