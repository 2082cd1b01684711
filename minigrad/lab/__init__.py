"""What people look at: experiments, their statistics, figures and reports."""
