// What scrolls by itself can be reached and scrolled with the keyboard; what fits is no stop on the way.

const SCROLLERS = ".scroll, .code, .programs, pre, .card.tall > .scroll";

/** Watch a part of the page, and keep what scrolls in it reachable. */
export function keepReachable(root) {
  let waits = false;
  const look = () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      root.querySelectorAll(SCROLLERS).forEach(mark);
    });
  };
  const changes = { childList: true, subtree: true, attributes: true, attributeFilter: ["open", "hidden"] };
  new MutationObserver(look).observe(root, changes);
  new ResizeObserver(look).observe(root);
}

function mark(node) {
  const scrolls = node.scrollWidth > node.clientWidth || node.scrollHeight > node.clientHeight;
  if (scrolls === (node.tabIndex === 0)) return;
  if (!scrolls) {
    for (const name of ["tabindex", "role", "aria-label"]) node.removeAttribute(name);
    return;
  }
  node.tabIndex = 0;
  node.setAttribute("role", "group");
  const title = node.closest(".card")?.querySelector("h2, h3")?.textContent;
  node.setAttribute("aria-label", `${title ?? "Text"}, scrolls`);
}
