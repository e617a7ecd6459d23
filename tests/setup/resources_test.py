# SPDX-License-Identifier: GPL-3.0-or-later
"""The bundled files keep what they promise: exact spans, turns in order, terms explained once."""

import json
import pathlib
import unittest

RESOURCES = pathlib.Path(__file__).resolve().parents[2] / "resources"
ANNOTATORS = ("0", "1", "2")
CONTROLS = {
    "method", "bits", "type", "block_size", "double_quantization", "compute", "scope", "head", "int8_threshold",
    "kv_type", "device", "threads",
}  # fmt: skip


def read(name):
    return json.loads((RESOURCES / name).read_bytes().decode("utf-8"))


class SampleDataset(unittest.TestCase):
    def setUp(self):
        self.stories = read("sample_coqa.json")["data"]

    def test_is_large_enough(self):
        self.assertGreaterEqual(len(self.stories), 14)
        self.assertGreaterEqual(sum(len(story["questions"]) for story in self.stories), 160)
        for story in self.stories:
            self.assertTrue(120 <= len(story["story"].split()) <= 260, story["id"])

    def test_turns_are_in_order_and_complete(self):
        for story in self.stories:
            expected = list(range(1, len(story["questions"]) + 1))
            answer_lists = [story["answers"], *(story["additional_answers"][key] for key in ANNOTATORS)]
            for rows in (story["questions"], *answer_lists):
                self.assertEqual([row["turn_id"] for row in rows], expected, story["id"])

    def test_no_question_is_asked_twice(self):
        for story in self.stories:
            texts = [question["input_text"] for question in story["questions"]]
            self.assertEqual(len(texts), len(set(texts)), story["id"])

    def test_spans_are_exact(self):
        for story in self.stories:
            for rows in (story["answers"], *story["additional_answers"].values()):
                for row in rows:
                    self.check_span(story, row)

    def check_span(self, story, row):
        where = f"{story['id']} turn {row['turn_id']}"
        self.assertTrue(row["input_text"].strip(), where)
        if row["span_start"] == -1:
            self.assertEqual((row["span_end"], row["span_text"], row["input_text"]), (-1, "unknown", "unknown"), where)
        else:
            self.assertEqual(story["story"][row["span_start"] : row["span_end"]], row["span_text"], where)

    def test_sample_text_is_the_stories(self):
        text = "\n\n".join(f"= {story['name']} =\n\n{story['story']}" for story in self.stories) + "\n"
        self.assertEqual((RESOURCES / "sample_text.txt").read_text(encoding="utf-8"), text)


class Glossary(unittest.TestCase):
    def setUp(self):
        self.terms = read("glossary.json")["terms"]

    def test_each_term_is_explained_once(self):
        names = [term["term"] for term in self.terms]
        self.assertEqual(len(names), len(set(names)))
        for term in self.terms:
            self.assertTrue(term["short"] and len(term["long"]) > len("a sentence or two"), term["term"])

    def test_each_control_has_one_term(self):
        controls = [term["control"] for term in self.terms if "control" in term]
        self.assertEqual(sorted(controls), sorted(CONTROLS))


if __name__ == "__main__":
    unittest.main()
