//! Which pages of a slab are taken: a bit map with first-fit search for runs.
//!
//! A slab has at most some hundred pages, so a search is a walk over a few words; `free` lets the
//! caller skip full slabs without looking.

/// Taken and free pages of one slab.
#[derive(Debug)]
pub(crate) struct PageRuns {
    taken: Vec<bool>,
    free: usize,
}

impl PageRuns {
    /// All pages free.
    pub(crate) fn new(pages: usize) -> PageRuns {
        PageRuns { taken: vec![false; pages], free: pages }
    }

    /// Takes the first run of so many free pages and gives its first page.
    pub(crate) fn take(&mut self, pages: usize) -> Option<usize> {
        if self.free < pages {
            return None;
        }
        let mut run = 0;
        for page in 0..self.taken.len() {
            run = if self.taken[page] { 0 } else { run + 1 };
            if run == pages {
                let first = page + 1 - pages;
                self.taken[first..=page].fill(true);
                self.free -= pages;
                return Some(first);
            }
        }
        None
    }

    /// Gives a run back.
    pub(crate) fn give(&mut self, first: usize, pages: usize) {
        let run = &mut self.taken[first..first + pages];
        debug_assert!(run.iter().all(|&taken| taken), "only taken pages are given back");
        run.fill(false);
        self.free += pages;
    }

    /// Is every page free?
    pub(crate) fn all_free(&self) -> bool {
        self.free == self.taken.len()
    }
}

#[cfg(test)]
mod tests {
    use super::PageRuns;

    #[test]
    fn runs_are_reused_first_fit() {
        let mut runs = PageRuns::new(8);
        assert_eq!(runs.take(3), Some(0));
        assert_eq!(runs.take(2), Some(3));
        assert_eq!(runs.take(4), None);
        runs.give(0, 3);
        assert_eq!(runs.take(4), None);
        assert_eq!(runs.take(3), Some(0));
        runs.give(3, 2);
        assert_eq!(runs.take(5), Some(3));
        runs.give(0, 3);
        runs.give(3, 5);
        assert!(runs.all_free());
    }
}
