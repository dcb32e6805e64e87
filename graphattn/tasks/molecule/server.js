"use strict";
const byId = (name) => document.getElementById(name);
let model = null;

function element(tag, text, kind) {
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  if (kind) made.className = kind;
  return made;
}

function number(value) {
  return typeof value === "number" ? Number(value.toPrecision(4)).toString().replace("-", "\u2212") : String(value);
}

function label(name) {
  const target = model.targets.find((each) => name.startsWith(each + "_"));
  const rest = (target ? name.slice(target.length + 1) : name).replaceAll("_", " ");
  return target && model.targets.length > 1 ? target + ", " + rest : rest;
}

function say(text, wrong) {
  byId("state").textContent = text;
  byId("state").className = wrong ? "wrong" : "";
}

function card(answer) {
  const made = element("div", undefined, "card picture");
  made.append(element("h3", answer.smiles));
  if (answer.reason) {
    made.append(element("p", "No prediction: " + answer.reason, "note"));
    return made;
  }
  if (answer.picture) {
    const picture = element("img");
    picture.src = answer.picture;
    picture.alt = "The molecule; orange atoms raise the prediction, blue ones lower it.";
    made.append(picture);
  }
  for (const target of model.targets) {
    const name = [target + "_predicted", target + "_probability"].find((each) => answer.values[each] != null);
    if (name) made.append(element("p", number(answer.values[name]), "value"), element("p", label(name), "note"));
  }
  const list = element("dl");
  for (const [name, value] of Object.entries(answer.values)) {
    if (value != null) list.append(element("dt", label(name)), element("dd", number(value)));
  }
  made.append(list);
  return made;
}

async function ask(event) {
  event.preventDefault();
  const smiles = byId("smiles").value.split("\n").map((line) => line.trim()).filter(Boolean);
  if (!smiles.length) return say("Type a SMILES first.", true);
  byId("go").disabled = true;
  say("Predicting \u2026");
  try {
    const explain = byId("explain").checked && smiles.length <= model.limits.explained;
    const reply = await fetch("/api/predict", {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ smiles, explain }),
    });
    const content = await reply.json();
    if (!reply.ok) return say(content.error, true);
    byId("answers").replaceChildren(...content.molecules.map(card));
    say("");
  } catch (error) {
    say("The server does not answer: " + error.message, true);
  } finally {
    byId("go").disabled = false;
  }
}

async function start() {
  model = await (await fetch("/api/model")).json();
  byId("title").textContent = model.targets.join(", ");
  const unit = model.unit ? " in " + model.unit : "";
  byId("about").textContent =
    (model.task === "regression" ? "Values" + unit : "Probabilities of class 1") +
    ", predicted by graphattn. Nothing that is typed here is kept.";
  byId("form").addEventListener("submit", ask);
  const asked = new URLSearchParams(location.search).get("smiles");
  if (asked) {
    byId("smiles").value = asked;
    byId("form").requestSubmit();
  }
}

start();
