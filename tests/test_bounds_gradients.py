"""What every bound owes a training loop: right gradients, finite extremes, no side effects."""

import copy
import inspect
import math

import pytest
import torch

from mineral import bounds
from mineral.bounds import BOUNDS
from mineral.critics import split_scores

N, M = 5, 4
SHAPES = {
    "joint": (N,),
    "product": (N, M),
    "scores": (N, N),
    "log_baseline": (N,),
    "log_marginal": (N,),
    "log_conditional": (N,),
    "log_partition": (N,),
    "u": (N,),
    "entropy": (),
}
# Their value is a bound's and their gradient deliberately is not that of their value.
CORRECTED = {
    "MovingAverageDV", "remine", "renwj", "retuba", "reinfonce", "rejs", "resmile"
}  # fmt: skip


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """The tensors are small and tests run side by side: more threads would wait for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def functions():
    """Each function in the table once, by name, with the tensors it takes."""
    found = {}
    for entry in BOUNDS.values():
        for function in (entry.objective, entry.value):
            if function is not None:
                name = getattr(function, "__name__", type(function).__name__)
                found[name] = (function, entry.takes)
    return found


FUNCTIONS = functions()
every_function = pytest.mark.parametrize("name", FUNCTIONS)


def random_inputs(takes, *, dtype=torch.float64, scale=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    return [
        (scale * torch.randn(SHAPES[name], generator=generator, dtype=torch.float64))
        .to(dtype)
        .requires_grad_()
        for name in takes
    ]


def call(name, inputs):
    """On a copy, so that no test sees the state of another."""
    return copy.deepcopy(FUNCTIONS[name][0])(*inputs)


def gradients(name, inputs):
    found = torch.autograd.grad(call(name, inputs), inputs, allow_unused=True)
    return [torch.zeros_like(v) if g is None else g for g, v in zip(found, inputs, strict=True)]


# --- The table ------------------------------------------------------------------------------------


def test_the_table_names_what_its_functions_take():
    for name, entry in BOUNDS.items():
        for function in (entry.objective, entry.value):
            if function is None:
                continue
            target = function.forward if isinstance(function, torch.nn.Module) else function
            required = [
                p.name
                for p in inspect.signature(target).parameters.values()
                if p.default is p.empty
            ]
            assert tuple(required) == entry.takes, name
        assert entry.kind in {"lower bound", "upper bound", "neither"}
        assert entry.reference


def test_the_table_says_which_values_are_bounds():
    kinds = {name: entry.kind for name, entry in BOUNDS.items()}
    assert {name for name, kind in kinds.items() if kind == "upper bound"} == {
        "variational-upper", "leave-one-out", "club", "club-sampled"
    }  # fmt: skip
    assert {name for name, kind in kinds.items() if kind == "neither"} == {
        "smile", "resmile", "remine-j", "infonce-anchor", "kl-dime", "gan-dime", "hd-dime",
        "vclub", "vclub-sampled",
    }  # fmt: skip
    assert {name for name, entry in BOUNDS.items() if not entry.any_batch} == {
        "dv", "mine", "remine"
    }  # fmt: skip


def test_the_table_reports_something_else_than_it_trains_where_it_should():
    assert BOUNDS["js"].value is bounds.shifted_nwj
    assert BOUNDS["smile"].objective is bounds.jensen_shannon
    assert BOUNDS["mine"].value is bounds.donsker_varadhan
    assert BOUNDS["remine-j"].value is bounds.remine_j
    for name in ("infonce-anchor", "kl-dime", "gan-dime", "hd-dime"):
        assert BOUNDS[name].value is bounds.plug_in


def test_an_old_name_of_a_bound_is_understood_but_not_listed():
    assert BOUNDS["jensen-shannon"] is BOUNDS["js"] is BOUNDS.get("jensen-shannon")
    assert "jensen-shannon" in BOUNDS and "jensen-shannon" not in set(BOUNDS)
    with pytest.raises(KeyError):
        BOUNDS["jensen"]


def test_a_fresh_objective_has_a_state_of_its_own():
    first, second = (BOUNDS["mine"].fresh_objective() for _ in range(2))
    first(*random_inputs(("joint", "product")))
    assert not first.log_ema.isnan()
    assert second.log_ema.isnan() and BOUNDS["mine"].objective.log_ema.isnan()
    assert BOUNDS["nwj"].fresh_objective() is bounds.nwj
    assert BOUNDS["leave-one-out"].fresh_objective() is None


# --- Every function -------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - CORRECTED))
def test_the_gradient_is_that_of_the_value(name):
    function, takes = FUNCTIONS[name]
    for scale in (1.0, 2.5):
        inputs = random_inputs(takes, scale=scale)
        assert torch.autograd.gradcheck(lambda *i: function(*i), inputs)


@pytest.mark.parametrize("alpha", [0.0, 0.4, 1.0])
def test_the_gradient_of_interpolated_is_right_for_every_alpha(alpha):
    inputs = random_inputs(("scores", "log_baseline"))
    assert torch.autograd.gradcheck(lambda *i: bounds.interpolated(*i, alpha=alpha), inputs)


def test_the_gradient_where_exp_is_continued_is_its_slope_at_the_limit():
    joint, product = random_inputs(("joint", "product"))
    steepest = math.exp(math.log(torch.finfo(torch.float64).max) / 2)
    shares = -steepest * product.detach().flatten().softmax(0).view(N, M)
    for level in (400.0, 1e4):
        found = torch.autograd.grad(bounds.nwj(joint, product + level), (joint, product))
        torch.testing.assert_close(found[0], torch.full((N,), 1 / N, dtype=torch.float64))
        torch.testing.assert_close(found[1], shares)


def extreme(takes, kind, dtype):
    generator = torch.Generator().manual_seed(0)
    inputs = []
    for name in takes:
        shape = SHAPES[name]
        if kind == "mixed":
            signs = 2 * torch.randint(2, shape, generator=generator) - 1
            value = 1e4 * signs
        elif kind == "perfect":
            value = torch.full(shape, 1e4 if name != "product" else -1e4)
            if name == "scores":
                value = 2e4 * torch.eye(N) - 1e4
        elif kind == "opposite":
            value = torch.full(shape, -1e4 if name != "product" else 1e4)
            if name == "scores":
                value = 1e4 - 2e4 * torch.eye(N)
        else:
            value = torch.full(shape, kind)
        inputs.append(value.to(dtype).requires_grad_())
    return inputs


EXTREMES = ("mixed", "perfect", "opposite", 1e4, -1e4, 0.0, 3.7, 88.0, 711.0, 1e18, -1e18)


@every_function
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_extreme_scores_give_finite_values_and_gradients(name, dtype):
    for kind in EXTREMES:
        inputs = extreme(FUNCTIONS[name][1], kind, dtype)
        assert call(name, inputs).isfinite(), kind
        assert all(gradient.isfinite().all() for gradient in gradients(name, inputs)), kind


@every_function
def test_float32_and_float64_agree_and_keep_their_dtype(name):
    takes = FUNCTIONS[name][1]
    single, double = (random_inputs(takes, dtype=dtype) for dtype in (torch.float32, torch.float64))
    value, expected = call(name, single), call(name, double)
    assert (value.dtype, expected.dtype) == (torch.float32, torch.float64)
    assert value.shape == ()
    torch.testing.assert_close(value.double(), expected, rtol=1e-5, atol=1e-5)
    for g, e in zip(gradients(name, single), gradients(name, double), strict=True):
        torch.testing.assert_close(g.double(), e, rtol=1e-4, atol=1e-5)


@every_function
def test_inputs_are_left_as_they_were(name):
    inputs = random_inputs(FUNCTIONS[name][1])
    before = [value.detach().clone() for value in inputs]
    call(name, inputs).backward()
    for value, old in zip(inputs, before, strict=True):
        assert torch.equal(value.detach(), old)


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if "product" in FUNCTIONS[name][1]])
def test_one_product_sample_is_enough(name):
    takes = FUNCTIONS[name][1]
    inputs = [
        v[:, :1] if t == "product" else v for t, v in zip(takes, random_inputs(takes), strict=True)
    ]
    assert call(name, inputs).isfinite()
    single = [v[:1] for v in inputs]
    assert call(name, single).isfinite()


@every_function
def test_two_pairs_are_enough(name):
    takes = FUNCTIONS[name][1]
    inputs = random_inputs(takes)
    cut = [
        v[:2, :2] if t == "scores" else v[:2] if v.ndim else v
        for t, v in zip(takes, inputs, strict=True)
    ]
    value = call(name, cut)
    found = torch.autograd.grad(value, inputs, allow_unused=True)
    assert value.isfinite()
    assert all(g is None or g.isfinite().all() for g in found)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() - {"club_sampled"}))
def test_the_order_of_pairs_does_not_matter(name):
    takes = FUNCTIONS[name][1]
    inputs = [v.detach() for v in random_inputs(takes)]
    order = torch.tensor([3, 0, 4, 1, 2])
    moved = [
        v[order][:, order] if t == "scores" else v[order] if v.ndim else v
        for t, v in zip(takes, inputs, strict=True)
    ]
    torch.testing.assert_close(call(name, moved), call(name, inputs))
    if "product" in takes:
        shuffled = [v.flip(1) if t == "product" else v for t, v in zip(takes, inputs, strict=True)]
        torch.testing.assert_close(call(name, shuffled), call(name, inputs))


def test_scores_of_a_critic_can_be_trained_by_every_objective():
    # One step of ascent on the score table raises the value, or leaves what is best already.
    for name, entry in BOUNDS.items():
        if entry.objective is None or type(entry.objective).__name__ in CORRECTED:
            continue
        if getattr(entry.objective, "__name__", "") in CORRECTED:
            continue
        inputs = random_inputs(entry.takes)
        value = entry.objective(*inputs)
        found = torch.autograd.grad(value, inputs, allow_unused=True)
        moved = [
            v.detach() + (0 if g is None else 1e-3 * g) for v, g in zip(inputs, found, strict=True)
        ]
        assert entry.objective(*moved) > value, name


def test_split_scores_and_the_bounds_share_one_convention():
    # scores[i, j] = f(x_i, y_j), axis 0 is x: a critic that knows y alone tells nothing about x.
    generator = torch.Generator().manual_seed(0)
    of_y = torch.randn(6, generator=generator, dtype=torch.float64)
    scores = of_y.expand(6, 6)
    assert float(bounds.structured_infonce(scores)) == pytest.approx(0)
    assert float(bounds.leave_one_out_upper(scores)) == pytest.approx(0)
    assert float(bounds.tuba(scores, of_y)) == pytest.approx(0)
    assert float(bounds.interpolated(scores, of_y, alpha=0.5)) == pytest.approx(0)
    joint, product = split_scores(scores)
    assert float(bounds.infonce(joint, product)) < 0
