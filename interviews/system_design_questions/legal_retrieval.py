"""The numbers of retrieval-augmented answers over legal documents."""

NUMBERS = {
    "chunks": "passages",
    "index": "GB",
    "small_index": "GB",
    "embedding_hours": "GPU-hours",
    "questions_per_day": "questions/day",
    "wrong": "answers/day",
    "cost": "USD/day",
    "cost_each": "USD",
    "saved": "%",
    "prompt_tokens": "tokens",
    "graded": "questions",
}


def chunks(
    documents: float, document_tokens: float, chunk_tokens: float, overlap: float
) -> float:
    """Passages: windows that advance by what does not overlap (in percent)."""
    return documents * document_tokens / (chunk_tokens * (1 - overlap / 100))


def index(
    documents: float,
    document_tokens: float,
    chunk_tokens: float,
    overlap: float,
    dimension: float,
    bytes_per_value: float,
    links: float,
) -> float:
    """Gigabytes of vectors and of a graph with ``links`` 4-byte links each."""
    count = chunks(documents, document_tokens, chunk_tokens, overlap)
    return count * (dimension * bytes_per_value + links * 4) / 1e9


def small_index(
    documents: float,
    document_tokens: float,
    chunk_tokens: float,
    overlap: float,
    dimension: float,
    links: float,
) -> float:
    """Gigabytes of the same with one byte a number."""
    return index(documents, document_tokens, chunk_tokens, overlap, dimension, 1, links)


def embedding_hours(
    documents: float, document_tokens: float, overlap: float, embedding_rate: float
) -> float:
    """Hours of one GPU to embed every passage once, what overlaps twice."""
    tokens = documents * document_tokens / (1 - overlap / 100)
    return tokens / embedding_rate / 3600


def questions_per_day(lawyers: float, questions: float) -> float:
    """Questions of all lawyers in a day."""
    return lawyers * questions


def wrong(lawyers: float, questions: float, unsupported: float) -> float:
    """Answers in a day with a claim that its source does not support."""
    return questions_per_day(lawyers, questions) * unsupported / 100


def prompt_tokens(passages: float, chunk_tokens: float) -> float:
    """Tokens of the passages that the model reads for one answer."""
    return passages * chunk_tokens


def cost_each(
    passages: float,
    chunk_tokens: float,
    answer_tokens: float,
    input_price: float,
    output_price: float,
) -> float:
    """Dollars for one answer; prices for a million tokens."""
    read = prompt_tokens(passages, chunk_tokens) * input_price
    return (read + answer_tokens * output_price) / 1e6


def cost(
    lawyers: float,
    questions: float,
    passages: float,
    chunk_tokens: float,
    answer_tokens: float,
    input_price: float,
    output_price: float,
) -> float:
    """Dollars a day for the model's tokens."""
    each = cost_each(passages, chunk_tokens, answer_tokens, input_price, output_price)
    return questions_per_day(lawyers, questions) * each


def saved(
    passages: float,
    chunk_tokens: float,
    answer_tokens: float,
    input_price: float,
    output_price: float,
) -> float:
    """Percent of the price that half as many passages would save."""
    each = cost_each(passages, chunk_tokens, answer_tokens, input_price, output_price)
    half = cost_each(
        passages / 2, chunk_tokens, answer_tokens, input_price, output_price
    )
    return (1 - half / each) * 100


def graded(unsupported: float, margin: float) -> float:
    """Graded answers that place the share within ``margin`` percent, at 95 %.

    The normal approximation: 1.96^2 p (1 - p) / margin^2.
    """
    share = unsupported / 100
    return 1.96**2 * share * (1 - share) / (margin / 100) ** 2
