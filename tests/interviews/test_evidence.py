import pytest

from interviews.evidence import refusal, words
from interviews.ml_theory_questions import open_questions

PROMPT = "Explain this idea to a colleague."
HONEST = """\
The bias term falls as capacity grows while variance rises.
bagging averages many trees, so variance drops
L1 drives small weights to exactly zero
early stopping limits effective capacity
dropout trains an ensemble of subnetworks
larger batches reduce gradient noise variance
Adam divides by a running RMS of the gradient
softmax saturates without the 1/sqrt(d) scaling
gradients vanish through saturated sigmoid layers
warm-up stabilises Adam's second-moment estimate
KV cache grows linearly with sequence length
we never shuffle time series before splitting
AUC ignores calibration; any monotone map keeps it
PR curves depend on the base rate
precision collapses when positives are rare
residual connections give the gradient an identity path
He init keeps activation variance constant under ReLU
ridge shrinks directions of low variance the most
cross-entropy on one-hot labels never reaches zero
the model memorises noise, so test error rises
fit the scaler on the training fold only
duplicates across splits leak labels
isotonic regression needs more calibration data than Platt scaling
momentum damps oscillation across steep directions
at the interpolation threshold the condition number explodes
batch norm breaks for batch size 1
GQA shares K/V heads, so the cache shrinks 8x
FlashAttention never materialises the N×N score matrix
novelty effects fade, so run it for two weeks
peeking inflates the false positive rate
DPO needs no separate reward model
I'd use NDCG@10 because position matters
SGD + momentum generalises better on CIFAR
quantising activations is harder: outliers dominate the range
RoPE rotates q and k by position, so only offsets matter
expected loss = bias² + variance + irreducible noise
labels arrive 30 days late, so offline metrics lag
top-p cuts the tail, temperature reshapes the whole distribution
the errors are correlated
precision, recall, F1 and AUC all depend on the test set you chose
KL penalty keeps the policy near the reference model
prefill is compute bound, decode is memory bound
tiling in SRAM avoids HBM round trips
online softmax rescales running sums
per-channel scales fix outlier weights
router collapses without a load-balancing loss
speculative decoding verifies draft tokens in parallel
reward hacking: the policy exploits the reward model
chunk overlap preserves context across boundaries
GRPO drops the critic and uses group-normalised rewards
sqrt(d) keeps logit variance near one
ALiBi adds a linear bias to the scores
PSI above 0.2 means a significant shift
embeddings get stale when the catalogue changes
cold-start users fall back to popularity
hard negatives sharpen the retriever
groundedness: each claim must be supported by a cited passage
paged attention removes fragmentation of the KV cache
GPTQ quantises weight columns one by one and compensates errors
int8 activations need smoothing of outliers
stratify by user so nobody is in both sets
focal loss downweights easy examples
beam search finds bland high-probability text
temperature 0 is greedy decoding
experts see few tokens so they undertrain
no gradient flows through a dead ReLU
sigmoid output saturates => gradient ~ 0
bigger k -> lower variance, higher bias
use GroupKFold on patient id
train/test contamination via target encoding
Xavier: var = 2/(fan_in + fan_out)
dedup with MinHash before splitting
its variane goes down wiht more trees becuase errors cancel
w/o warmup post-LN diverges
Hessian eigenvalues set the max stable LR
we'd page on-call if p99 > 300 ms
shadow deploy first, then 1% canary
label noise → memorisation late in training""".splitlines()


def judge(
    quote: str,
    answer: str = "",
    prompt: str = PROMPT,
    terms: tuple[str, ...] = (),
    used: tuple[str, ...] = (),
) -> str:
    answer = answer or f"Well. {quote} And so on."
    return refusal(quote, answer=answer, prompt=prompt, terms=terms, used=used)


@pytest.mark.parametrize("quote", HONEST)
def test_an_honest_sentence_is_accepted(quote: str) -> None:
    assert judge(quote) == ""


@pytest.mark.parametrize("question", open_questions(), ids=lambda one: one.id)
def test_every_quote_of_an_exemplar_is_accepted(question: object) -> None:
    assert question in open_questions()
    for one in open_questions():
        if one is not question:
            continue
        used: list[str] = []
        for point in one.points:
            why = refusal(
                point.quote,
                answer=one.exemplar,
                prompt=one.prompt,
                terms=point.terms,
                used=used,
            )
            assert not why, f"{point.id}: {why}"
            used.append(point.quote)


def test_case_white_space_and_punctuation_are_no_matter() -> None:
    answer = "Bagging averages\n  many trees – so variance drops."
    assert judge("bagging averages many trees, so VARIANCE drops", answer) == ""


def test_words_are_whole() -> None:
    assert "not stand" in judge(
        "agging averages many tree", "bagging averages many trees"
    )


def test_a_term_begins_a_word() -> None:
    quote = "the lasso makes some weights vanish"
    assert judge(quote, terms=("las",)) == ""
    assert "does not speak" in judge(quote, terms=("asso", "ridge"))


@pytest.mark.parametrize("term", ["early stopping", "early-stopping", "Early Stop"])
def test_a_hyphen_is_a_blank(term: str) -> None:
    assert judge("early-stopping limits how far weights move", terms=(term,)) == ""


@pytest.mark.parametrize("term", ["ρσ²", "1/n", "n²"])
def test_a_term_may_be_a_formula(term: str) -> None:
    assert judge(f"the variance falls to {term} in the limit", terms=(term,)) == ""


def test_part_of_the_question_may_be_taken_up() -> None:
    prompt = "Why does the validation loss rise while the training loss still falls?"
    quote = "the validation loss rises because the model starts to memorise noise"
    assert judge(quote, prompt=prompt) == ""


def test_two_points_may_stand_in_one_sentence() -> None:
    first, second = "L2 shrinks all the weights", "L1 sets many of them to zero"
    answer = f"{first}, whereas {second}."
    assert judge(second, answer, used=(first,)) == ""


def test_words_are_counted_with_numbers_and_apostrophes() -> None:
    assert words("Adam’s β2 = 0.999") == ("adam's", "β2", "0", "999")
