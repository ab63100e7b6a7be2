"""Style objectives: what each distance is blind to, what it measures, and how terms are named."""

import pytest
import torch
from torch import Tensor, nn

from shanshui.objectives.style import (
    GramTerm,
    MomentTerm,
    StyleObjective,
    StyleTargets,
    content_distance,
    frame_difference,
    gram,
    moments,
    palette,
    relative_distance,
    tone_distance,
    total_variation,
)


def random(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_gram_of_constant_maps_is_the_outer_product_of_their_values() -> None:
    values = torch.tensor([1.0, -2.0, 3.0])
    maps = values.view(1, 3, 1, 1).expand(1, 3, 5, 7)
    torch.testing.assert_close(gram(maps)[0], torch.outer(values, values))


def test_gram_does_not_know_where_things_are() -> None:
    maps = random(2, 4, 6, 8)
    torch.testing.assert_close(gram(maps.roll((2, 3), (2, 3))), gram(maps))
    torch.testing.assert_close(gram(maps.flip(3)), gram(maps))


def test_gram_does_not_depend_on_the_size_of_the_canvas() -> None:
    maps = random(1, 4, 6, 8)
    torch.testing.assert_close(gram(maps.tile(1, 1, 2, 3)), gram(maps))


def test_moments_are_the_mean_and_the_population_standard_deviation() -> None:
    maps = torch.tensor([[[[1.0, 3.0]], [[5.0, 5.0]]]])
    torch.testing.assert_close(moments(maps), torch.tensor([[[2.0, 5.0], [1.0, 0.0]]]), atol=1e-5, rtol=0)


def test_relative_distance_is_zero_for_equal_one_for_nothing_and_free_of_scale() -> None:
    target = random(3, 4, 5)
    assert relative_distance(target, target) == 0
    torch.testing.assert_close(relative_distance(torch.zeros_like(target), target), torch.tensor(1.0))
    other = random(3, 4, 5, seed=1)
    torch.testing.assert_close(relative_distance(1000 * other, 1000 * target), relative_distance(other, target))


def test_relative_distance_of_a_zero_target_is_finite_and_teaches_only_the_value() -> None:
    value, target = random(2, 3).requires_grad_(), torch.zeros(2, 3, requires_grad=True)
    distance = relative_distance(value, target)
    distance.backward()
    assert distance.isfinite()
    assert value.grad is not None
    assert target.grad is None


def test_a_featureless_image_does_not_dominate_the_content_of_its_batch() -> None:
    reference = torch.cat([random(1, 4, 6, 6), 1e-4 * random(1, 4, 6, 6, seed=1)])
    noise = 0.1 * random(2, 4, 6, 6, seed=2)
    assert content_distance(reference + noise, reference) < 0.05


@pytest.mark.parametrize(("height", "width"), [(4, 4), (3, 8)])
def test_total_variation_of_a_checkerboard_is_its_step_in_both_directions(height: int, width: int) -> None:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    board = ((rows + columns) % 2).float().expand(2, 3, height, width)
    torch.testing.assert_close(total_variation(board), torch.tensor(2.0))
    torch.testing.assert_close(total_variation(0.25 * board - 3), torch.tensor(0.5))


def test_total_variation_of_a_flat_image_is_zero() -> None:
    assert total_variation(torch.full((1, 3, 4, 5), 0.7)) == 0


def ramp(low: float, high: float) -> Tensor:
    """A photo that gets brighter from left to right."""
    return torch.linspace(low, high, 32).expand(1, 3, 32, 32)


def test_tone_ignores_brightness_and_contrast_but_not_a_negative() -> None:
    assert tone_distance(ramp(-1, 0), ramp(-0.9, 0.9)) < 0.1
    assert tone_distance(ramp(0.9, -0.9), ramp(-0.9, 0.9)) > 2


def test_tone_sees_a_blob_in_an_empty_sky_but_not_the_strokes_that_fill_it() -> None:
    sky = torch.zeros(1, 3, 32, 32)
    blob, strokes = sky.clone(), sky.clone()
    blob[..., 8:16, 8:24] = 1
    strokes[..., ::2, :] = 1
    assert tone_distance(blob, sky) > 0.3
    assert tone_distance(strokes, sky) == 0


def test_a_painting_may_change_as_its_photo_does_and_no_further() -> None:
    before, after, brush = (random(2, 3, 8, 8, seed=seed) for seed in (1, 2, 3))
    assert frame_difference(after + brush, before + brush, after, before) < 1e-12
    assert frame_difference(before, before, before, before) == 0
    # A painting that flickers by half a unit where nothing moves, and one that stands still over what does.
    torch.testing.assert_close(frame_difference(brush + 0.5, brush, before, before), torch.tensor(0.25))
    torch.testing.assert_close(frame_difference(brush, brush, after, before), (after - before).square().mean())


def test_an_exactly_flat_image_has_finite_gradients_everywhere(objective: StyleObjective) -> None:
    """A crop of nothing but black makes one: its deviation is 0, where a square root has no slope."""
    image, photo = torch.full((2, 3, 16, 16), -1.0, requires_grad=True), torch.full((2, 3, 16, 16), -1.0)
    painting = random(1, 3, 16, 16)
    targets = objective.targets(painting, Pyramid()(painting))
    for name, term in objective(image, photo, Pyramid()(image), Pyramid()(photo), targets).items():
        (gradient,) = torch.autograd.grad(term, image, retain_graph=True)
        assert gradient.isfinite().all(), name


def test_a_palette_is_which_colours_there_are_and_how_many_but_not_where() -> None:
    cells = random(1, 3, 8, 8).repeat_interleave(4, 2).repeat_interleave(4, 3)
    torch.testing.assert_close(palette(cells.flip(2, 3)), palette(cells))
    torch.testing.assert_close(palette(cells.tile(1, 1, 3, 1))[..., [0, -1]], palette(cells)[..., [0, -1]])
    assert (palette(cells + 0.5) - palette(cells)).abs().max() > 0.4


def test_a_burnt_out_corner_changes_the_end_of_the_palette_only() -> None:
    sky = torch.zeros(1, 3, 32, 32)
    burnt = sky.clone()
    burnt[..., :8, :8] = 1
    red_green_blue_grey = (palette(burnt) - palette(sky))[0, :4]
    assert (red_green_blue_grey[:, :60] == 0).all()
    assert (red_green_blue_grey[:, 61:] >= 1).all()


def test_a_group_answers_to_its_style_as_if_it_were_one_painting() -> None:
    """Halves of a painting, put side by side in one group, match it exactly, though neither half does alone."""
    painting = random(1, 4, 6, 8)
    left, right = painting[..., :4], painting[..., 4:]
    for term, target in ((GramTerm(1.0), gram(painting)), (MomentTerm(1.0), moments(painting))):
        assert term(torch.cat([left, right]), target) < 1e-10
        assert term(left, target) > 1e-4


def test_groups_do_not_mix() -> None:
    first, second = random(2, 4, 6, 6), random(2, 4, 6, 6, seed=1) + 1
    both = torch.cat([first, second])
    for term, statistic in ((GramTerm(1.0), gram), (MomentTerm(1.0), moments)):
        joined = [statistic(torch.cat(list(part), dim=1)[None]) for part in (first, second)]
        assert term(both, torch.cat(joined)) < 1e-10
        assert term(both, torch.cat(joined[::-1])) > 1e-2


class Pyramid(nn.Module):
    """A stand-in encoder of two layers."""

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        return {"fine": images, "coarse": nn.functional.avg_pool2d(images, 2)}


@pytest.fixture
def objective() -> StyleObjective:
    return StyleObjective(
        content={"coarse": 2.0}, style={"fine": 1.0}, moments={"coarse": 0.5}, tone=3.0, palette=2.0, smoothness=0.25
    )


def test_style_of_a_painting_against_itself_is_zero(objective: StyleObjective) -> None:
    painting = random(1, 3, 16, 16)
    features = Pyramid()(painting)
    terms = objective(painting, painting, features, features, objective.targets(painting, features))
    assert terms.keys() == {"content.coarse", "style.fine", "moments.coarse", "tone", "palette", "tv"}
    assert all(term == 0 for name, term in terms.items() if name != "tv")
    torch.testing.assert_close(terms["tv"], 0.25 * total_variation(painting))


def test_terms_are_scalars_that_reach_the_image(objective: StyleObjective) -> None:
    image, photo = random(2, 3, 16, 16).requires_grad_(), random(2, 3, 16, 16, seed=2)
    painting = random(1, 3, 10, 12, seed=1)
    targets = objective.targets(painting, Pyramid()(painting))
    for name, term in objective(image, photo, Pyramid()(image), Pyramid()(photo), targets).items():
        (gradient,) = torch.autograd.grad(term, image, retain_graph=True)
        assert term.shape == (), name
        assert gradient.abs().sum() > 0, name


def test_layers_are_named_once(objective: StyleObjective) -> None:
    assert objective.layers == ("coarse", "fine")


def test_prints_as_a_tree_with_weights(objective: StyleObjective) -> None:
    printed = str(objective)
    assert "(style): ModuleDict(\n    (fine): GramTerm(weight=1)" in printed
    assert "(tv): TotalVariationTerm(weight=0.25)" in printed
    assert dict(objective.named_modules())["style.fine"] is objective.style["fine"]


def test_rows_of_targets_are_chosen_by_index(objective: StyleObjective) -> None:
    paintings = random(3, 3, 8, 8)
    targets = objective.targets(paintings, Pyramid()(paintings))
    chosen: StyleTargets = targets.rows(torch.tensor([2, 0, 2]))
    torch.testing.assert_close(chosen.grams["fine"], targets.grams["fine"][[2, 0, 2]])
    torch.testing.assert_close(chosen.moments["coarse"], targets.moments["coarse"][[2, 0, 2]])
    torch.testing.assert_close(chosen.palettes, targets.palettes[[2, 0, 2]])


def test_a_flat_picture_has_a_finite_slope_of_tone() -> None:
    flat = torch.full((1, 3, 32, 32), 0.3, requires_grad=True)
    tone_distance(flat, random(1, 3, 32, 32)).backward()
    assert flat.grad is not None and flat.grad.isfinite().all()
