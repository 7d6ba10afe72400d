"""What the model of the recorded night says: written beforehand, for a machine without a card holds no model that has ideas.

Everything else about that night is real. The order is not known beforehand, for the engine chooses the operator; so each has its own
shelf, and an idea whose reply was refused is answered once more.
"""

from __future__ import annotations

import re
from typing import NamedTuple

TASK = re.compile(r"# Your task now: experiment \d+, ([a-z' ]+)")
REFUSED = "# Your last replies were refused"


class Reply(NamedTuple):
    thinking: str
    idea: str
    why: str
    edit: str

    @property
    def text(self) -> str:
        return f"<idea>{self.idea}</idea>\n<why>{self.why}</why>\n<edit>\n{self.edit}\n</edit>\n"


def block(old: str, new: str) -> str:
    return f"<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE"


MATRIX_LR = Reply(
    "The matrices are trained by Muon, whose steps have the same length in every direction. With a learning rate of 0.01 and only some "
    "hundred steps in the budget the weights hardly leave where they began: the blocks start as the identity, so most of the budget goes "
    "into growing them. Nobody has turned this knob yet, and it is the one with the most leverage. Doubling would be the careful step. "
    "At this scale I would rather go by a factor of three and come back if it is too much.",
    "matrix LR 0.01 -> 0.03",
    "So few steps need longer ones: at 0.01 the blocks hardly grow out of the identity within the budget.",
    "SET MATRIX_LR = 0.03",
)
WARMDOWN = Reply(
    "There is no warmdown at all: the learning rate is as high in the last step as in the first, so the weights still jump about when "
    "they are measured. A linear way down is worth more than nearly anything else in short trainings. How long? Upstream's default is a "
    "half. The budget is short and the rate is high, so I would not go below that.",
    "warm down over the last half of the budget",
    "The last steps are as long as the first ones; going down lets the weights settle before they are measured.",
    "SET WARMDOWN_RATIO = 0.5",
)
EMBEDDING_LR = Reply(
    "Each token's embedding gets a gradient only when the token occurs. With a vocabulary of 1024 and 4096 tokens a batch most of them "
    "occur a few times a step. The rate is scaled with the width already. A rate of 0.6 was found for a model ten times as wide, so it "
    "may be too low or too high here; the table has no row for it. Up first, since everything else wanted to be faster as well.",
    "embedding LR 0.6 -> 1.0",
    "Tables learn from few rows a step and their steps are scaled by Adam: a short training can afford larger ones.",
    "SET EMBEDDING_LR = 1.0",
)
UNEMBEDDING_LR = Reply(
    "The output layer starts at nearly zero, so the first loss is that of a guess, and it has to grow before anything else gets a "
    "gradient through it. 0.004 is low for that. The logits are capped softly, which keeps a faster head from running away. 0.012 is "
    "three times as much; if that helps, there may be more to find in this direction.",
    "unembedding LR 0.004 -> 0.012",
    "The head begins at zero and everything below waits for it: it should grow faster.",
    "SET UNEMBEDDING_LR = 0.012",
)
BATCH = Reply(
    "More steps from the same tokens: a batch of half the size has a noisier gradient, but in a training this short the number of steps "
    "is what is missing. TOTAL_BATCH_SIZE 4096 to 2048 is one constant.",
    "half the batch, twice the steps",
    "In so short a training steps are scarcer than good gradients.",
    "SET TOTAL_BATCH_SIZE = 2048",
)
BATCH_AGAIN = Reply(
    "It was refused: the total has to be a multiple of the rows in one pass times the context, 16 x 256 = 4096. So the rows have to go "
    "down with it, to 8. Then the total is one pass of 8 rows, and nothing is accumulated.",
    "half the batch, twice the steps",
    "In so short a training steps are scarcer than good gradients; 8 rows of 256 make one pass.",
    "SET TOTAL_BATCH_SIZE = 2048\nSET DEVICE_BATCH_SIZE = 8",
)
TOO_FAST = Reply(
    "The output layer starts at nearly zero, so the first loss is that of a guess, and everything below waits for its gradient. 0.004 was "
    "found for far longer trainings. Where is the edge? One bold value tells more than three careful ones, so let me look far beyond it: "
    "a thousand times as much. The logits are capped softly, so it may not even explode.",
    "unembedding LR 0.004 -> 4.0, to see where the edge is",
    "One bold value brackets the optimum: between here and there it must be.",
    "SET UNEMBEDDING_LR = 4.0",
)
BETAS = Reply(
    "Adam's memory of the mean is 0.8, short. With batches this small a longer memory smooths the gradient of rows that are seen "
    "seldom. 0.9 is everybody's default, and the memory of the square can stay as it is.",
    "Adam beta1 0.8 -> 0.9",
    "Small batches are noisy; a longer mean smooths what the embeddings see.",
    "SET ADAM_BETAS = (0.9, 0.95)",
)
DECAY = Reply(
    "Weight decay of 0.2 is meant for a training of minutes. In ten seconds no weight grows so large that it has to be held back, and "
    "the decay only works against the growth that the blocks need. Zero would be the bold value; a quarter is enough to see a slope.",
    "weight decay 0.2 -> 0.05",
    "Nothing overfits in ten seconds; decay only slows the blocks' growth.",
    "SET WEIGHT_DECAY = 0.05",
)
BIGRAM = Reply(
    "Two layers have to find out first that the previous token matters: an attention head has to become a previous-token head before "
    "anything can be built on top of it. That takes steps. I can give it to the model for free: add a part of the previous token's "
    "embedding to each position before the first block. Shifting by one is causal as long as I pad at the front: F.pad with (0, 0, 1, "
    "-1) drops the last position and puts zeros first. In evaluation the rows stay apart as well, since only the time axis moves.",
    "each position also sees half of the previous token's embedding",
    "A bigram statistic for free: no head has to learn first to look one token back.",
    block(
        "        x = x0 = norm(self.embedding(tokens))",
        "        x = self.embedding(tokens)\n        x = x0 = norm(x + 0.5 * F.pad(x, (0, 0, 1, -1)))",
    ),
)
PARALLEL = Reply(
    "Attention and MLP run one after the other, and the MLP normalises its input again. Side by side, as in GPT-J, they share one "
    "normalisation, and there is less to compute. At this width the kernels are so small that launching them is what costs, so fewer "
    "of them may be a good part of a step. Let me write the block.",
    "attention and MLP side by side",
    "One normalisation less and fewer small kernels: more steps in the same budget.",
    block(
        "        x = x + self.attention(h)\n        return x + self.down(activate(self.up(norm(x))))",
        "        return x + self.attention(h) + self.down(activate(self.up(h)))",
    ),
)
PARALLEL_AGAIN = Reply(
    "My SEARCH was from memory, and the block looks different here: attention is computed in forward itself, and what is added is "
    "self.out(y.reshape(B, length, WIDTH)). Copy these two lines exactly.",
    "attention and MLP side by side",
    "One normalisation less and fewer small kernels: more steps in the same budget.",
    block(
        "        x = x + self.out(y.reshape(B, length, WIDTH))\n        return x + self.down(activate(self.up(norm(x))))",
        "        return x + self.out(y.reshape(B, length, WIDTH)) + self.down(activate(self.up(h)))",
    ),
)
GATE = Reply(
    "Attention writes whatever it finds into the stream, also where it found nothing. A gate per channel lets the model decide. One "
    "vector, begun at one half after the sigmoid and doubled, so that the start is neutral as with the value embeddings' gates. It is "
    "multiplied into y before the output projection.",
    "a learned gate on what attention writes",
    "The model can close the channels in which attention only adds noise.",
    block(
        "        x = x + self.out(y.reshape(B, length, WIDTH))",
        "        y = y.reshape(B, length, WIDTH) * (2 * torch.sigmoid(self.open))\n        x = x + self.out(y)",
    ),
)
GATE_AGAIN = Reply(
    "AttributeError: 'Block' object has no attribute 'open'. Of course: I used the parameter and never made it. It has to be registered "
    "in __init__, and it reaches Muon with the other parameters of the blocks, which only takes matrices; a vector would break its "
    "stacking. So as a matrix it cannot be a plain vector. The simplest that works: a linear layer of the same width as the value gate, "
    "from the first channels of h to the heads. That is a matrix, and Muon takes it.",
    "a learned gate on what attention writes, by head",
    "The gate is made where the block is made, as a matrix that Muon can train.",
    block(
        "        self.out = nn.Linear(WIDTH, WIDTH, bias=False)",
        "        self.out = nn.Linear(WIDTH, WIDTH, bias=False)\n"
        "        self.open = nn.Linear(min(self.GATE_WIDTH, WIDTH), HEADS, bias=False)",
    )
    + "\n"
    + block(
        "        x = x + self.out(y.reshape(B, length, WIDTH))",
        "        y = y * (2 * torch.sigmoid(self.open(h[..., : self.GATE_WIDTH])))[..., None]\n"
        "        x = x + self.out(y.reshape(B, length, WIDTH))",
    ),
)
HEADS = Reply(
    "One head of 64 channels per layer is all that this width allows with HEAD_DIM 64. Two heads of 32 can look at two places at once, "
    "and a pair such as previous token and matching token is exactly what induction needs. The cost is the same.",
    "two heads of 32 instead of one of 64",
    "Induction needs two looks at once; one head per layer has only one.",
    "SET HEAD_DIM = 32",
)
NO_CAP = Reply(
    "The soft cap on the logits costs a tanh over the whole vocabulary and a special case in the code. At this size logits never come "
    "near 15 in ten seconds, so it should not matter. Take it away, the branch too.",
    "no soft cap on the logits",
    "Logits stay far below the cap in so short a training: the branch and its constant's work can go.",
    block(
        "        if SOFTCAP:  # divided before the head, where the tensor is small\n"
        "            logits = SOFTCAP * torch.tanh(self.head(x / SOFTCAP).float())\n"
        "        else:\n"
        "            logits = self.head(x).float()",
        "        logits = self.head(x).float()",
    ),
)
FEWER = Reply(
    "NorMuon's rescaling of rows costs four passes over every matrix and a state of its own. For two layers of width 64 the gain must "
    "be small. Without it the step is the plain orthogonal one.",
    "plain Muon, without the scale of its rows",
    "Less code and less work a step; the orthogonal step itself is what helps.",
    block(
        "    size = step.square().mean(-1 if tall or step.size(-2) == step.size(-1) else -2, keepdim=True)\n"
        "    square.lerp_(size, 0.05)\n"
        "    scale = square.clamp_min(1e-10).rsqrt()\n"
        "    scale = scale * (size.sum((-2, -1), keepdim=True) "
        "/ (size * scale.square()).sum((-2, -1), keepdim=True).clamp_min(1e-10)).sqrt()\n"
        "    step = step * scale\n",
        "",
    ),
)
BOTH = Reply(
    "Two of the near misses touch different parts, so their effects may add up. Each was within the noise on its own. Together they are "
    "one experiment, and if it is no better than its parent both can be forgotten.",
    "unembedding LR 0.012 together with beta1 0.9",
    "Two near misses in different places: what each gained may add up.",
    "SET UNEMBEDDING_LR = 0.012\nSET ADAM_BETAS = (0.9, 0.95)",
)
SEED = Reply(
    "Nothing obvious is left among the large knobs. What about the luck of the draw? Another seed might begin in a better place.",
    "another seed",
    "Another start may be a better one.",
    block("    torch.manual_seed(prepare.SEED)", "    torch.manual_seed(prepare.SEED + 1)"),
)
MOMENTUM = Reply(
    "Right, a seed is luck and no idea. Something real, then: Muon's momentum of 0.95 is reached over the first 300 steps, which may be "
    "the whole training here. 0.9 forgets faster, which suits a loss that still falls quickly.",
    "Muon momentum 0.95 -> 0.9",
    "While the loss falls fast, old gradients point to where it was.",
    "SET MUON_MOMENTUM = 0.9",
)
PERSON = Reply(
    "A person asks for GELU instead of the squared ReLU. It is a knob, so that is one line.",
    "GELU instead of the squared ReLU",
    "As asked: smooth around zero, where a small model has most of its activations.",
    'SET ACTIVATION = "gelu"',
)
ROPE = Reply(
    "The slowest rotation has a wavelength of 10000, for a context of 256. Most of the channels hardly turn within it. With 500 they "
    "tell positions apart that the model really has.",
    "RoPE base 10000 -> 500",
    "A context of 256 needs no wavelengths of thousands of tokens.",
    "SET ROPE_BASE = 500",
)
SHELVES = {
    "tune": [[MATRIX_LR], [TOO_FAST], [WARMDOWN]],
    "explore": [[BIGRAM], [GATE], [PARALLEL, PARALLEL_AGAIN]],
    "simplify": [[NO_CAP], [FEWER]],
    "combine": [[BOTH]],
    "repair": [[GATE_AGAIN]],
    "a person's idea": [[PERSON]],
    "": [[BATCH, BATCH_AGAIN], [EMBEDDING_LR], [SEED, MOMENTUM], [HEADS], [DECAY], [UNEMBEDDING_LR], [ROPE], [BETAS]],
}
"""What is said to each kind of task, and what to any, when that is used up: ideas, and for each what is said if it is refused."""


class Script:
    """What is said next, by what is asked."""

    def __init__(self) -> None:
        self._left = {kind: list(ideas) for kind, ideas in SHELVES.items()}
        self._answers: list[Reply] = []

    def answer(self, prompt: str) -> Reply:
        found = TASK.search(prompt)
        kind = found[1].strip() if found else ""
        if REFUSED not in prompt or not self._answers:
            shelf = self._left.get(kind) or self._left[""]
            self._answers = list(shelf.pop(0) if shelf else SHELVES[""][0])
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
