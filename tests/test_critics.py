"""What every critic promises: a score for each pair, whatever else is scored beside it."""

from functools import partial

import pytest
import torch
from torch import nn

from mineral.critics import (
    BilinearCritic,
    Concatenated,
    ConvolutionalCritic,
    JointCritic,
    SeparableCritic,
    mlp,
    split_scores,
)
from mineral.errors import OptionError

DIM_X, DIM_Y = 12, 2  # an image of 1 × 4 × 3, and a code


def concatenated(dim_x, dim_y):
    return Concatenated(mlp(dim_x + dim_y, 16, 1))


OWN = {  # those that a model file can name
    "joint": JointCritic,
    "joint, one layer": partial(JointCritic, hidden=(8,)),
    "separable": partial(SeparableCritic, hidden=(8, 8), features=5),
    "bilinear": BilinearCritic,
    "convolutional": partial(ConvolutionalCritic, shape=(1, 4, 3), channels=(3, 5)),
}
every_critic = pytest.mark.parametrize(
    "factory",
    [*OWN.values(), concatenated],
    ids=[*OWN, "concatenated"],
)


@pytest.fixture
def samples():
    generator = torch.Generator().manual_seed(0)
    return torch.randn(5, DIM_X, generator=generator), torch.randn(7, DIM_Y, generator=generator)


def built(factory):
    with torch.random.fork_rng():
        torch.manual_seed(0)
        return factory(DIM_X, DIM_Y)


@every_critic
def test_row_i_and_column_j_of_the_matrix_is_the_score_of_x_i_and_y_j(factory, samples):
    critic, (x, y) = built(factory), samples
    matrix = critic(x[:, None], y[None, :])
    assert matrix.shape == (5, 7)
    for i in range(5):
        for j in range(7):
            torch.testing.assert_close(matrix[i, j], critic(x[i], y[j]))


@every_critic
def test_paired_rows_are_scored_in_their_order(factory, samples):
    critic, (x, y) = built(factory), samples
    scores = critic(x, y[:5])
    assert scores.shape == (5,)
    torch.testing.assert_close(scores, critic(x[:, None], y[None, :5]).diagonal())


@every_critic
def test_blocks_of_pairs_are_scored_as_the_training_loop_asks_for_them(factory, samples):
    critic, (x, y) = built(factory), samples
    x, y = x[:4], y[:4]
    blocks = critic(x.view(2, 2, 1, DIM_X), y.view(2, 1, 2, DIM_Y))
    assert blocks.shape == (2, 2, 2)
    for block in range(2):
        rows = slice(2 * block, 2 * block + 2)
        torch.testing.assert_close(blocks[block], critic(x[rows, None], y[None, rows]))


@every_critic
def test_pairs_of_a_batch_do_not_see_each_other(factory, samples):
    critic, (x, y) = built(factory), samples
    changed = torch.cat([x[:1], 100 * x[1:]])
    torch.testing.assert_close(critic(changed, y[:5])[0], critic(x, y[:5])[0])


@every_critic
def test_every_parameter_learns(factory, samples):
    critic, (x, y) = built(factory), samples
    critic(x[:, None], y[None, :]).square().sum().backward()
    for name, parameter in critic.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name


@every_critic
def test_double_precision_stays_double(factory, samples):
    critic, (x, y) = built(factory).double(), samples
    assert critic(x[:, None].double(), y[None, :].double()).dtype == torch.float64


@pytest.mark.parametrize("factory", OWN.values(), ids=OWN)
def test_options_rebuild_the_critic(factory, samples):
    critic, (x, y) = built(factory), samples
    again = type(critic)(DIM_X, DIM_Y, **critic.options())
    again.load_state_dict(critic.state_dict())
    assert torch.equal(again(x, y[:5]), critic(x, y[:5]))


def test_the_joint_critic_is_a_network_of_x_and_y_side_by_side(samples):
    critic, (x, y) = built(partial(JointCritic, hidden=(6, 4))), samples
    first = nn.Linear(DIM_X + DIM_Y, 6)
    first.weight = nn.Parameter(torch.cat([critic.of_x.weight, critic.of_y.weight], dim=1))
    first.bias = critic.of_x.bias
    net = nn.Sequential(first, *critic.rest)
    torch.testing.assert_close(critic(x, y[:5]), net(torch.cat([x, y[:5]], dim=1))[:, 0])
    assert [layer.out_features for layer in critic.rest if isinstance(layer, nn.Linear)] == [4, 1]


def test_the_separable_critic_is_an_inner_product_of_features(samples):
    critic, (x, y) = built(partial(SeparableCritic, hidden=(6,), features=3)), samples
    of_x, of_y = critic.g(x), critic.h(y)
    assert of_x.shape == (5, 3) and of_y.shape == (7, 3)
    torch.testing.assert_close(critic(x[:, None], y[None, :]), of_x @ of_y.T)


def test_the_bilinear_critic_is_x_times_a_matrix_times_y(samples):
    critic, (x, y) = built(BilinearCritic), samples
    expected = x @ critic.of_y.weight @ y.T
    torch.testing.assert_close(critic(x[:, None], y[None, :]), expected)


def test_the_convolutional_critic_says_when_images_do_not_fit():
    with pytest.raises(OptionError, match=r"`shape` \(1, 4, 4\) must match the 12 pixels"):
        ConvolutionalCritic(DIM_X, DIM_Y, shape=(1, 4, 4))


@pytest.mark.parametrize("shape", [(), (1,)])
def test_a_network_of_your_own_may_return_a_last_axis_of_one_or_none(shape, samples):
    x, y = samples

    class Sum(nn.Module):
        def forward(self, xy):
            return xy.sum(dim=-1).view(*xy.shape[:-1], *shape)

    scores = Concatenated(Sum())(x[:, None], y[None, :])
    torch.testing.assert_close(scores, x.sum(1)[:, None] + y.sum(1)[None, :])


def test_an_mlp_is_linear_layers_with_an_activation_between_and_none_after():
    assert [type(layer) for layer in mlp(3, 5, 4, 1)] == [
        *(nn.Linear, nn.SiLU),
        *(nn.Linear, nn.SiLU),
        nn.Linear,
    ]
    assert [type(layer) for layer in mlp(3, 1)] == [nn.Linear]


def test_the_diagonal_of_a_score_matrix_is_the_joint_and_the_rest_of_a_row_its_product():
    matrix = torch.randn(6, 6, generator=torch.Generator().manual_seed(0))
    joint, product = split_scores(matrix)
    assert joint.tolist() == [matrix[i, i] for i in range(6)]
    assert product.tolist() == [[matrix[i, j] for j in range(6) if j != i] for i in range(6)]
