"""Shapes of what bounds take, checked at each call and not in our tests only."""

import inspect
import math

import pytest
import torch

from mineral import bounds
from mineral.basics.numerics import off_diagonal
from mineral.basics.types import JointScores, Nats, ProductScores
from mineral.bounds.shapes import checked
from mineral.errors import InputError, InputTypeError, MineralError

pytestmark = pytest.mark.usefixtures("as_users_run_it")

N, M = 6, 3
SHAPES = {
    "joint": (N,),
    "product": (N, M),
    "scores": (N, N),
    "log_baseline": (N,),
    "log_conditional": (N,),
    "log_marginal": (N,),
    "log_partition": (N,),
    "u": (N,),
    "entropy": (),
}
FUNCTIONS = {
    name: getattr(bounds, name)
    for name in bounds.__all__
    if inspect.isfunction(getattr(bounds, name))
}
AVERAGES = ("micro_average", "macro_average")
TENSORS = {
    name: [each for each in inspect.signature(function).parameters if each in SHAPES]
    for name, function in FUNCTIONS.items()
}


def arguments(name):
    generator = torch.Generator().manual_seed(0)
    shapes = {each: SHAPES[each] for each in TENSORS[name]}
    if name == "drift_penalty":
        shapes["log_partition"] = ()
    return {each: torch.randn(shape, generator=generator) for each, shape in shapes.items()}


def wrong_shapes(shape):
    yield (*shape, 1)
    yield (1, *shape)
    if shape:
        yield shape[:-1]
        yield (shape[0] + 1, *shape[1:])
        yield (0, *shape[1:])
        yield (*shape[:-1], 0)


CASES = [
    (name, argument, shape)
    for name in FUNCTIONS
    for argument in TENSORS[name]
    for shape in wrong_shapes(tuple(arguments(name)[argument].shape))
]


def test_every_function_of_tensors_is_checked():
    assert set(TENSORS) - set(AVERAGES) == {name for name, tensors in TENSORS.items() if tensors}
    assert len(CASES) > 200


@pytest.mark.parametrize(("name", "argument", "shape"), CASES)
def test_a_tensor_of_another_shape_is_refused_by_name(name, argument, shape):
    given = arguments(name)
    if TENSORS[name] in ([argument], [argument, "entropy"]) and shape == (N + 1,):
        pytest.skip("the only tensor sets the size")
    parameter = inspect.signature(FUNCTIONS[name]).parameters[argument]
    if shape == () and "float" in str(parameter.annotation):
        pytest.skip("a number may replace it")
    assert math.isfinite(float(FUNCTIONS[name](**given).sum()))
    with pytest.raises(InputError) as caught:
        FUNCTIONS[name](**(given | {argument: torch.zeros(shape)}))
    message = str(caught.value)
    assert "\n" not in message and f"`{argument}`" in message
    # Where the sizes of two tensors differ, the message has the shape of the later one.
    assert str(shape) in message or f"n = {N + 1} of `{argument}`" in message


@pytest.mark.parametrize("name", [name for name in FUNCTIONS if TENSORS[name]])
@pytest.mark.parametrize(
    "convert",
    [torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.long, torch.Tensor.to_sparse],
)
def test_what_is_no_tensor_of_floats_is_refused(name, convert):
    given = arguments(name)
    first = next(iter(given))
    with pytest.raises(InputTypeError, match=f"`{first}`"):
        FUNCTIONS[name](**(given | {first: convert(given[first])}))


@pytest.mark.parametrize(
    ("name", "argument"),
    [(name, each) for name in FUNCTIONS for each in TENSORS[name][1:] if SHAPES[each]],
)
def test_tensors_of_another_device_are_refused_by_name(name, argument):
    given, (first, *_) = arguments(name), TENSORS[name]
    if not given[argument].ndim:
        pytest.skip("a number may come from any device")
    message = f"`{argument}` must be on the device of `{first}`, cpu, got meta: pass"
    with pytest.raises(InputError, match=message):
        FUNCTIONS[name](**(given | {argument: given[argument].to("meta")}))


def test_messages_name_the_argument_both_shapes_and_the_remedy():
    joint, product, scores = torch.zeros(8), torch.zeros(8, 3), torch.zeros(8, 8)
    for call, message in (
        (
            lambda: bounds.interpolated(scores, torch.zeros(8, 1)),
            "`log_baseline` must have shape (n,) with n = 8 of `scores`, got (8, 1): pass "
            "`log_baseline.squeeze(1)`.",
        ),
        (
            lambda: bounds.infonce(joint, joint),
            "`product` must have shape (n, m) with n = 8 of `joint`, got (8,): pass "
            "`product[:, None]` for one score a row.",
        ),
        (
            lambda: bounds.MovingAverageDV()(joint, product=product[1:]),
            "`product` must have shape (n, m) with n = 8 of `joint`, got (7, 3).",
        ),
        (
            lambda: bounds.tuba(scores[:1, :1], joint[:1]),
            "`scores` needs at least 2 along each axis, got shape (1, 1).",
        ),
    ):
        with pytest.raises(InputError) as caught:
            call()
        assert str(caught.value) == message


def test_averages_check_their_batches():
    joint, product = torch.zeros(4), torch.zeros(4, 2)
    for average in (bounds.micro_average, bounds.macro_average):
        with pytest.raises(InputError, match="`batches` is empty"):
            average(bounds.nwj, [])
        with pytest.raises(InputError, match="`product` must have shape"):
            average(bounds.nwj, [(joint, product), (joint, joint)])
    with pytest.raises(InputError, match="the same number of product scores a row, got 1, 2"):
        bounds.micro_average(bounds.nwj, [(joint, product), (joint, product[:, :1])])


def test_numbers_may_replace_a_constant_baseline():
    scores = torch.randn(5, 5, generator=torch.Generator().manual_seed(0))
    ones = torch.ones(5)
    for bound in (bounds.tuba, bounds.retuba, bounds.interpolated):
        assert torch.allclose(bound(scores, 1.0), bound(scores, ones))
        assert torch.allclose(bound(scores, torch.ones(())), bound(scores, ones))


PAIRED = [name for name in FUNCTIONS if TENSORS[name][:2] == ["joint", "product"]]


@pytest.mark.parametrize("name", [name for name in PAIRED if name != "flo"])
@pytest.mark.filterwarnings("ignore:There is a performance drop:UserWarning")  # vmap of scatter
def test_the_check_works_in_compiled_vectorized_and_mixed_precision_code(name):
    bound = FUNCTIONS[name]
    joint, product = list(arguments(name).values())[:2]
    expected = bound(joint, product)
    compiled = torch.compile(bound, backend="eager", fullgraph=True)
    torch.testing.assert_close(compiled(joint, product), expected)
    many = torch.vmap(bound)(joint.expand(4, -1), product.expand(4, -1, -1))
    torch.testing.assert_close(many, expected.expand(4))
    half = {"joint": joint.bfloat16(), "product": product.bfloat16()}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        by_place, by_name = bound(*half.values()), bound(**half)
    in_single = bound(*(scores.float() for scores in half.values()))
    assert torch.equal(by_place, in_single) and torch.equal(by_name, in_single)
    with pytest.raises(InputError):
        torch.vmap(bound)(joint.expand(4, -1), joint.expand(4, -1))


def test_compiled_code_refuses_wrong_shapes_too():
    compiled = torch.compile(bounds.infonce, backend="eager")
    with pytest.raises(MineralError, match="`product` must have shape"):
        compiled(torch.zeros(5), torch.zeros(5))


def test_the_annotations_are_what_is_checked():
    @checked
    def total(joint: JointScores, product: ProductScores) -> Nats:
        return joint.mean() - product.mean()

    assert float(total(torch.ones(3), product=torch.zeros(3, 2))) == 1
    with pytest.raises(InputError, match="`product`"):
        total(torch.ones(3), product=torch.zeros(2, 2))
    with pytest.raises(TypeError, match="missing 1 required"):
        total(torch.ones(3))


def test_a_matrix_of_one_baseline_each_was_broadcast_to_a_plausible_number():
    scores = torch.randn(8, 8, generator=torch.Generator().manual_seed(0))
    relative = scores - torch.zeros(8, 1)
    assert bounds.tuba(scores, torch.zeros(8)) == bounds.shifted_nwj(
        relative.diagonal(), off_diagonal(relative)
    )
    with pytest.raises(InputError):
        bounds.tuba(scores, torch.zeros(8, 1))
